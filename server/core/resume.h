/* SPDX-License-Identifier: MIT */
/* resume.h - who comes back soon need not be asked about again: what was answered
 * about a lost connection is kept for a while. */
#ifndef GODWIT_SERVER_RESUME_H
#define GODWIT_SERVER_RESUME_H

#include "server/core/hold.h"
#include "server/core/index.h"
#include "server/core/revocation.h"
#include "server/core/wheel.h"

typedef struct gw_target gw_target;

/*
 *   Welcome (token) ... lost ---> record, for settings.resume_ttl_ms
 *   Hello (token)   ---> the record, used up: nobody is asked who it is
 *   Subscribe       ---> if the record has the channel: nor whether it may
 *
 * It spares questions and nothing else. All that is decided here is decided again:
 * ends of tokens, revocations, rules, rates, limits. A record is of use only to who
 * shows what was shown before: instance, name, token and request. Where it is not
 * used, everything goes its usual way.
 *
 * The token names the worker and the session, and proves both by a keyed hash over
 * what has to be the same; so nothing is kept for it while the connection is open. A
 * client that comes to another worker is held there until the record has come by
 * mail; the one that keeps it gives it away once.
 *
 * What the server gave by itself (grants.h) is given again, by name: who answers for
 * a connection is not asked, so nobody else would. The client then recovers as it
 * does with what a hook gives.
 *
 * None is kept of a connection that was ended on purpose, by either side; none where
 * a grant is not in use, as its name is not known; and none after a token was
 * renewed by one that says other channels. What the application takes back meanwhile
 * (a token, a user, a connection, a subscription) takes the records with it. So does
 * a channel that it gives a user or a client: it is told that it was given to who
 * is there, and has to be asked for the others.
 *
 * A record on its way to another worker is reached by no such act. The worker that it
 * comes to may know of it already, and for a while remembers by hash whom it met.
 */

/** Of a token. */
#define GWS_RESUME_BYTES 28u
/** Bytes of all records of a worker. */
#define GWS_RESUME_MAX_BYTES (16u * 1024u * 1024u)
/** How long acts of the application count for records that come by mail: far above
 * what mail may take, as an act that is met by one too many costs a question. */
#define GWS_RESUME_ACT_MS 10000u
/** Whom they met, told apart by so many hashes. */
#define GWS_RESUME_ACTS 256u

/** A subscription that somebody let in. */
typedef struct gws_allowed {
  uint64_t channel;  /**< hash of its name; 0: used */
  uint64_t shown;    /**< hash of its token and metadata */
  uint64_t token_id; /**< as of a lease */
  uint64_t issued_ms;
  uint64_t expires_ms;
  bool by_token;
} gws_allowed;

typedef struct gws_past {
  struct gws_past *prev, *next; /**< hub.records, the oldest first */
  gw_timer timer;
  uint64_t until_ms;
  uint64_t handle;
  uint64_t connection;
  uint64_t shown; /**< hash of the token */
  uint64_t client;
  uint64_t token_id; /**< as of an identity */
  uint64_t issued_ms;
  uint64_t expires_ms;
  bool is_known;
  uint32_t bytes;
  uint32_t num_allowed;
  uint32_t num_channels;
  uint32_t user_len;
  uint32_t info_len;
  gw_view *channels; /**< that the server gave; in the same block, as texts */
  uint8_t *texts;    /**< user, info, then names of channels */
  gws_allowed allowed[];
} gws_past;

/** Records of one worker. All zero is empty. */
typedef struct gws_pasts {
  gws_past *first; /**< utlist */
  gw_index by_handle;
  uint32_t num;
  uint32_t bytes;
  uint8_t key[32];
  bool has_key;
  uint64_t met_ms[GWS_RESUME_ACTS]; /**< by hash of a user, client, connection:
                                       until when an act counts that met it */
} gws_pasts;

/** Whether a session that says this Hello can be resumed, if it is lost: the token
 * for its Welcome. Empty: no. */
gw_view gws_resume_offer(gw_session *s, const gw_hello *hello,
                         uint8_t space[GWS_RESUME_BYTES]);
/** A token was renewed; v: what the new one says. */
void gws_resume_renewed(gw_session *s, gw_view token, const gw_verdict *v);

/** Look for what the Hello's token stands for. YES: *v is what was answered then;
 * LATER: another worker is asked, and the frame is held; NO: ask as ever. */
enum gws_answer gws_resume(gw_session *s, const gw_frame *f,
                           const gw_hello *hello, gw_verdict *v);
/** Whether the record of a resumed session answers for a Subscribe; then *v. */
bool gws_resume_lets(gw_session *s, const gw_target *t, const gw_subscribe *msg,
                     gw_verdict *v);
/** A channel was taken back: the record of a resumed session answers for it no
 * more. */
void gws_resume_withdraw(gw_session *s, uint64_t hash);
/** Hash of what a subscription was asked for with. */
uint64_t gws_resume_shown(const gw_hub *h, gw_view token, gw_view meta);

/** The session is about to be taken apart: keep what is worth it. */
void gws_resume_keep(gw_session *s);
void gws_resume_free(gw_session *s);

/** The application gave or took back something: forget the records of a user, a
 * client or a connection, also those that are still to come; empty or 0: of any. */
void gws_resume_forget(gw_hub *h, gw_view user, uint64_t client,
                       uint64_t connection);
/** And those that rest on what was taken back. */
void gws_resume_revoke(gw_hub *h, const gws_revocation *r);

void gws_resume_on_timer(gw_hub *h, gws_past *r);
void gws_resume_on_take(gw_hub *h, gw_mail *m);
void gws_resume_on_taken(gw_hub *h, gw_mail *m);
void gws_pasts_deinit(gw_hub *h);

#endif
