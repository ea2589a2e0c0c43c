/* SPDX-License-Identifier: MIT */
/* session.h - one logical connection, as the core's own files see it. */
#ifndef GODWIT_SERVER_SESSION_H
#define GODWIT_SERVER_SESSION_H

#include "server/core/bunch.h"
#include "server/core/hold.h"
#include "server/core/hub_state.h"
#include "server/core/identity.h"
#include "server/core/json_lines.h"
#include "server/core/outq.h"
#include "server/core/problem.h"
#include "server/core/refused.h"
#include "server/core/subscription.h"

/*
 *   NEW --Hello--> OPEN --Close, failure, limit, gw_session_close--> ENDING
 *    |                                                                 ^
 *    +---------- timeout, anything but Hello --------------------------+
 *
 * A session that is ENDING takes nothing in and is given nothing more to send;
 * it is taken out of channels and tables at the safe point, and freed by
 * gw_session_closed.
 */
enum gws_session_state {
  GWS_SESSION_NEW,
  GWS_SESSION_OPEN,
  GWS_SESSION_ENDING
};

struct gw_calls;
struct gw_grants;

/** There may be tens of thousands of these: what is rare is allocated when it
 * is needed. What a fan-out touches comes first. */
struct gw_session {
  gw_hub *hub;
  uint8_t state;    /**< enum gws_session_state */
  uint8_t encoding; /**< enum gw_encoding */
  bool signalled;   /**< the port knows that there is output */
  bool pinged;      /**< nothing was heard since the last ping */
  bool left;        /**< the client said goodbye: no grace for its presence */
  bool is_known;    /**< an authenticator vouches for the user's name */
  uint8_t bad_lines;
  bool has_credit;    /**< data goes out as far as the client grants it */
  bool has_ended;     /**< a subscription of it, by the server */
  uint8_t conn_state; /**< enum gw_conn_state; see conn_state.h */
  bool has_delta;     /**< the client reads deltas */
  bool is_plain; /**< nothing is to be compressed for it, so the host says */
  bool is_resumable; /**< it has a token for that, which was not used */
  uint16_t end_code; /**< why it ended; 0: it did not, or was lost */
  bool is_resume_tried;
  gw_outq out;
  uint32_t
      pack_from; /**< messages from this length on are looked at; see pack.h */
  void *conn;

  uint32_t last_heard_ms; /**< low bits */
  uint32_t last_sent_ms;
  uint32_t spoke_ms; /**< low bits: when it sent something that is no ping */
  uint32_t ping_interval_ms;
  uint32_t message_bytes; /**< of the message that is coming in */
  union {
    gw_timer timer;          /**< handshake, then liveness */
    gw_session *next_ending; /**< when ENDING */
  } u;
  union {
    gw_reader reader;
    gw_json_lines lines;
  } in;

  uint64_t handle;
  uint64_t connection;    /**< public, random */
  uint64_t client;        /**< public id of the client */
  uint64_t opened_ms;     /**< when it was welcomed */
  uint64_t conn_since_ms; /**< since when it is in its state */
  int64_t active_ms; /**< when its user did something last, as far as known */
  uint32_t num_idle; /**< its members that time has changed; see idle.h */
  uint32_t delivery; /**< the last message that it was given; see send.c */
  gw_link of_user;   /**< the other sessions of its user */
  gw_subs subs;
  struct gw_calls *calls;   /**< NULL: none */
  gw_holds *holds;          /**< NULL: nothing was ever held */
  gw_identity *identity;    /**< NULL: nothing more is known */
  struct gw_meter *meter;   /**< NULL: nothing is counted */
  struct gw_grants *grants; /**< NULL: the server subscribed it to nothing */
  struct gws_past *resumed; /**< what it goes on from; NULL: it is new */
  uint64_t shown;           /**< hash of its token; see resume.h */
  gw_refused_list refused;  /**< publications that have to be sent again */
  uint8_t peer_len;
  uint8_t user_len;
  uint8_t agent_len;
  uint8_t *texts; /**< peer, user, agent */
};

gw_view gws_session_peer(const gw_session *s);
gw_view gws_session_user(const gw_session *s);
/** Name and version of the client, as it says. */
gw_view gws_session_agent(const gw_session *s);

/** A log line about the peer: address, code and reason. */
void gws_session_log(const gw_session *s, int level, const char *event,
                     uint32_t code, const char *reason);

/** End it: Close frame, then the port's close. What waits is written first,
 * except when the peer does not read or memory has run out. */
void gws_session_end(gw_session *s, uint32_t code, const char *reason);
void gws_session_end_later(gw_session *s, uint32_t code, const char *reason,
                           uint32_t retry_after_ms, uint32_t spread_ms);
/** The client said goodbye. */
void gws_session_leave(gw_session *s);

/** Queue a message as it is. Takes the reference in any case; false when the
 * session is ending. No regard to the cap: for what is bounded in itself. */
bool gws_session_push(gw_session *s, enum gw_lane_id lane, gw_buf *b);
/** The same with what was encoded, err being the encoder's result. */
void gws_session_put(gw_session *s, enum gw_lane_id lane, const gw_out *out,
                     int err);
/** The same; over the cap the session ends as a slow reader. For control there
 * is some room above it, so that what data has filled keeps no answer back. */
void gws_session_send(gw_session *s, enum gw_lane_id lane, const gw_out *out,
                      int err);
/** Control that is to stay behind what waits in a lane of data. */
void gws_session_send_behind(gw_session *s, enum gw_lane_id lane,
                             const gw_out *out, int err);
/** Drop what waits. */
void gws_session_drop_output(gw_session *s);
/** Tell the port once that there is output. */
void gws_session_signal(gw_session *s);

/** Take it out of everything; safe point only. */
void gws_session_detach(gw_session *s);
void gws_session_free(gw_session *s);

/** Session of a handle, if it is open. */
gw_session *gws_session_get(const gw_hub *h, uint64_t handle);

/** The sessions of a user on this worker, one after the other: the first, and
 * the one after another. Some may be ENDING; NULL: no more. */
gw_session *gws_session_first_of(const gw_hub *h, gw_view user);
gw_session *gws_session_next_of(const gw_session *s);
/** By the id of the connection. */
gw_session *gws_session_of_connection(const gw_hub *h, uint64_t connection);
/** Make it known under its client, whose hash that is, and its user, and give it
 * the id of its connection. 0, GW_ERR_NOMEM */
GW_MUST_USE int gws_session_enlist(gw_session *s, uint32_t hash);

/* ---- reply.c ------------------------------------------------------------- */

void gws_reply_ok(gw_session *s, uint32_t request); /**< 0: says nothing */
/** why: NULL for the code's own sentence. Request 0: it concerns none. */
void gws_reply_error(gw_session *s, uint32_t request, uint32_t code,
                     const char *why);
/** The same, as a verdict has it; message: empty for the code's own sentence. */
void gws_reply_refusal(gw_session *s, uint32_t request, uint32_t code,
                       gw_view message, uint32_t retry_after_ms);
/** The same, with the path of what is wrong. */
void gws_reply_problem(gw_session *s, uint32_t request, const gws_problem *p);
/** How long a client waits that was refused because of load: some turns of the
 * loop, a few round trips between workers. */
#define GWS_RETRY_AFTER_MS 250u

/* ---- dispatch.c --------------------------------------------------------- */

/** Handle one frame. < 0 when the session is ending. */
int gws_session_on_frame(void *session, const gw_frame *frame);
/** The same, without regard to frames before it that are held. */
void gws_session_handle(gw_session *s, const gw_frame *f);

/* ---- handshake.c -------------------------------------------------------- */

void gws_serve_hello(gw_session *s, const gw_frame *f);
/** Not let in. */
void gws_turn_away(gw_session *s, const gw_verdict *v);

/* ---- liveness.c --------------------------------------------------------- */

void gws_liveness_begin(gw_session *s);
void gws_liveness_heard(gw_session *s);
void gws_liveness_sent(gw_session *s);
void gws_liveness_on_timer(gw_session *s);

/* ---- serve_control.c: life of the connection ------------------------------- */

void gws_serve_ping(gw_session *s, const gw_frame *f);
void gws_serve_pong(gw_session *s, const gw_frame *f);
void gws_serve_close(gw_session *s, const gw_frame *f);
void gws_serve_refresh(gw_session *s, const gw_frame *f);
void gws_serve_credit(gw_session *s, const gw_frame *f);

/* ---- target.c ----------------------------------------------------------- */

/** The channel that a request is about. */
typedef struct gw_target {
  gw_view name;
  uint64_t hash;
  gw_channel *channel; /**< NULL: not on this worker (yet) */
  gw_sub *sub;         /**< NULL: not subscribed */
} gw_target;

/** The channel's name in a body that begins with it; empty: it does not. */
gw_view gws_frame_name(const gw_frame *f);

/** By the frame's alias or number, else by the name in the body. GW_CODE_OK,
 * NOT_SUBSCRIBED (unknown alias or number), BAD_CHANNEL, NOT_ON_ROUTE */
uint32_t gws_target_find(gw_session *s, const gw_head *head, gw_view name,
                         gw_target *t);

/** The same of one channel, not of a pattern: it is BAD_CHANNEL, too. */
uint32_t gws_target_find_one(gw_session *s, const gw_head *head, gw_view name,
                             gw_target *t);

/** What a publication, member or call carries: one of two, the second text.
 * GW_CODE_OK, BAD_REQUEST, BAD_TEXT */
uint32_t gws_payload_check(gw_session *s, gw_view data, gw_view json);

/* ---- serve_subscribe.c ----------------------------------------------------- */

void gws_serve_subscribe(gw_session *s, const gw_frame *f);
void gws_serve_unsubscribe(gw_session *s, const gw_frame *f);

/* ---- serve_publish.c ------------------------------------------------------- */

void gws_serve_publish(gw_session *s, const gw_frame *f);
/** A Publish was refused before it was looked at: those behind it wait where it
 * may come again. */
void gws_serve_publish_refused(gw_session *s, const gw_frame *f,
                               const gw_verdict *v);

/* ---- serve_presence.c ------------------------------------------------------ */

void gws_serve_presence_set(gw_session *s, const gw_frame *f);
void gws_serve_presence_leave(gw_session *s, const gw_frame *f);
void gws_serve_presence_get(gw_session *s, const gw_frame *f);
/** Answer PresenceGet; NULL: nobody was ever there. */
void gws_presence_answer(gw_session *s, uint32_t request, gw_view channel,
                         const gw_snapshot *snapshot);

/* ---- serve_send.c ------------------------------------------------------------ */

void gws_serve_send(gw_session *s, const gw_frame *f);
/** GW_CODE_OK: the message is sound, and the client may send it. Else why not,
 * with a literal or NULL in *why. */
uint32_t gws_send_permit(gw_session *s, const gw_send *msg, const char **why);

/* ---- serve_call.c ---------------------------------------------------------- */

void gws_serve_rpc(gw_session *s, const gw_frame *f);
/** A call of godwit.METHOD. GW_CODE_OK: it is answered, or will be; else the code
 * to refuse it with. */
bool gws_is_api_call(gw_view method);
uint32_t gws_serve_api(gw_session *s, const gw_frame *f, const gw_rpc *msg);
void gws_serve_rpc_result(gw_session *s, const gw_frame *f);
void gws_serve_error(gw_session *s, const gw_frame *f);

#endif
