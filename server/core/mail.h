/* SPDX-License-Identifier: MIT */
/* mail.h - what workers of a node tell each other. */
#ifndef GODWIT_SERVER_MAIL_H
#define GODWIT_SERVER_MAIL_H

#include "server/core/api.h"
#include "server/core/group.h"
#include "server/core/history.h"
#include "server/core/hub_state.h"
#include "server/core/machine.h"
#include "server/core/presence.h"
#include "server/core/resume.h"

/*
 *   follower F                                      owner O of the channel
 *      |  ATTACH (name, F's handle)                    |
 *      |---------------------------------------------->|
 *      |  STATE (number, position, history, members)   |
 *      |<----------------------------------------------|
 *      |  PUBLICATION, ROSTER ... as they are made     |
 *      |<----------------------------------------------|
 *      |  DETACH (name, handle)                        |
 *      |---------------------------------------------->|
 *
 * Mail between two workers keeps its order, so what comes with the handle of an
 * attachment belongs to it, and a stale handle is the only race there is. An
 * owner that has no memory for a piece of mail sends the RESET that it put aside
 * at the attachment: the follower attaches anew.
 *
 * A command (PUBLISH, PRESENCE_..., CALL) turns into its own answer, in the same
 * block of memory, so that answering cannot fail.
 */
enum gws_mail_kind {
  GWS_MAIL_ATTACH,
  GWS_MAIL_STATE,
  GWS_MAIL_REFUSED, /**< answer to ATTACH */
  GWS_MAIL_DETACH,
  GWS_MAIL_RESET,
  GWS_MAIL_SYNC,   /**< what has been published before is to come first */
  GWS_MAIL_SYNCED, /**< answer to SYNC */
  GWS_MAIL_PUBLISH,
  GWS_MAIL_PUBLICATION,
  GWS_MAIL_PRESENCE_SET,
  GWS_MAIL_PRESENCE_LEAVE,
  GWS_MAIL_PRESENCE_LOST,
  GWS_MAIL_PRESENCE_IDLE,
  GWS_MAIL_PRESENCE_ACTIVE,
  GWS_MAIL_PRESENCE_GET,
  GWS_MAIL_SNAPSHOT, /**< answer to PRESENCE_GET */
  GWS_MAIL_ROSTER,   /**< a presence diff, or a presence in another mode */
  GWS_MAIL_DONE,     /**< answer to a command */
  GWS_MAIL_PATTERN,  /**< the next five: see pattern.h */
  GWS_MAIL_PATTERN_NOTED,
  GWS_MAIL_PATTERN_END,
  GWS_MAIL_MATCHED,
  GWS_MAIL_LOST,
  GWS_MAIL_META,      /**< of a channel, to who follows it */
  GWS_MAIL_ENDED,     /**< the channel has come to its end */
  GWS_MAIL_CONN_LOST, /**< the next two: see conn_state.h */
  GWS_MAIL_CONN_FOUND,
  GWS_MAIL_RESUME, /**< the next two: see resume.h */
  GWS_MAIL_RESUMED,
  GWS_MAIL_SCOPE_END, /**< state that nobody will come back to */
  GWS_MAIL_CALL,
  GWS_MAIL_CALL_DONE,
  GWS_MAIL_API,
  GWS_MAIL_API_DONE,
  GWS_MAIL_GROUP, /**< another value of a group, or its end */
  GWS_MAIL_REVOKE,
  GWS_MAIL_RECEIPT,   /**< of one of these two; see receipts.h */
  GWS_MAIL_USER_JOIN, /**< see quota.h */
  GWS_MAIL_USER_LEAVE,
  GWS_MAIL_USER_SHARE,
  GWS_MAIL_USER_CLOSE
};

#define GWS_NOBODY UINT32_MAX

/** Who waits for the answer to a command. */
typedef struct gw_origin {
  uint32_t worker;  /**< GWS_NOBODY: nobody waits, and nothing goes back */
  uint32_t request; /**< 0: nobody wants an answer */
  uint64_t session; /**< handle */
  uint8_t type;     /**< of the request's frame */
} gw_origin;

/** What became of a command. */
typedef struct gw_outcome {
  uint32_t code;
  const char *why; /**< a literal; NULL: the code's own sentence */
  gws_move move;   /**< refused of a state machine: from where */
  gws_mover by;
  /* of a publication */
  uint64_t key;
  uint64_t epoch;
  uint64_t offset;
  bool duplicate;
  /** Handle of the channel, where it fans out at the worker that waits for the
   * answer; 0: it does not. */
  uint64_t echo;
  uint32_t retry_after_ms; /**< of a refusal; 0: the usual */
} gw_outcome;

/** A publication on its way to the channel's owner; the channel's name is in
 * msg. */
typedef struct gw_publish_command {
  uint64_t hash;
  uint64_t client;
  uint64_t repeat; /**< names one of the application that may come again; 0 */
  gws_mover by;    /**< into the server's own channels */
  gw_view user;
  gw_publish msg;
} gw_publish_command;

/** A publication on its way to a follower. */
typedef struct gw_published_mail {
  uint64_t offset;
  uint64_t expires_ms;
  uint64_t client;
  uint64_t key;
  uint64_t epoch;
  bool no_echo;
} gw_published_mail;

/** The state of a channel, for who attaches. */
typedef struct gw_channel_state {
  uint64_t epoch;
  uint64_t top;
  uint32_t number;
  uint8_t trimmed_by;
  uint64_t floor;
  gw_buf *meta;
  gw_presence_news presence;
  gw_roster *members;
  uint32_t num_records;
  gw_record records[];
} gw_channel_state;

/** A call that is to be delivered to a client of the other worker. */
typedef struct gw_call_mail {
  uint32_t id; /**< of the open half, at the worker that asks */
  uint32_t timeout_ms;
  uint64_t to;
  /* of the answer */
  bool is_here;     /**< the client was found */
  bool is_internal; /**< no memory for what it said */
} gw_call_mail;

/** A connection of a user comes or goes, or its share of the user's rate. */
typedef struct gw_quota_mail {
  gw_view user;
  uint64_t session; /**< handle, at the worker that has it */
  uint64_t client;
  uint64_t since_ms; /**< JOIN: when it opened */
  uint32_t share;
  uint32_t code;    /**< CLOSE: what the connection is told */
  bool keeps_share; /**< LEAVE: its worker goes on to have a share */
} gw_quota_mail;

/** A question of the application. */
typedef struct gw_api_mail {
  const gw_api_method *method;
  gw_caller caller;
  gw_view request;
} gw_api_mail;

struct gw_mail {
  gw_mail *next;
  uint32_t from; /**< worker */
  uint8_t kind;  /**< enum gws_mail_kind */
  gw_origin origin;
  uint64_t hash;   /**< of the channel's name */
  uint64_t handle; /**< of the follower's channel */
  gw_view name;    /**< of the channel or group, in bytes */
  uint32_t code;
  gw_buf *buf;
  gw_channel_state *state;
  gw_roster *roster;
  gw_snapshot *snapshot;
  gw_group *group;
  gws_past *past; /**< of a lost connection */
  union {
    gw_publish_command publish;
    gw_published_mail published;
    gw_presence_command presence;
    gw_presence_news news;
    gw_outcome outcome;
    gw_call_mail call;
    gw_api_mail api;
    gws_revocation revocation;
    gw_quota_mail quota;
  } u;
  size_t bytes_len;
  size_t bytes_cap;
  uint8_t bytes[];
};

/** With room for bytes. NULL when out of memory. */
gw_mail *gws_mail_new(enum gws_mail_kind kind, size_t room);
/** Copy a view into the mail's bytes. */
gw_view gws_mail_keep(gw_mail *m, gw_view v);
/** The same of a list, which takes gw_list_bytes. */
gw_list gws_mail_keep_list(gw_mail *m, gw_list list);
/** Drop what it carries, so that it can become an answer. */
void gws_mail_drop(gw_mail *m);
/** Hand it to the port. */
void gws_mail_post(gw_hub *h, uint32_t worker, gw_mail *m);

/* ---- commands and their answers (command.c) ----------------------------- */

/** Send a command to the channel's owner: counts it as unanswered. */
void gws_command_post(gw_hub *h, uint32_t worker, gw_mail *m);

/** What an outcome that is no success says. */
struct gws_problem;
void gws_outcome_problem(const gw_outcome *o, struct gws_problem *p);

/** Tell the outcome of a command to where it came from. mail is the command's,
 * or NULL when it was given on this worker. */
void gws_command_done(gw_hub *h, const gw_origin *origin,
                      const gw_outcome *outcome, gw_mail *mail);
/** The same on the worker of the session. */
void gws_command_answer(gw_hub *h, const gw_origin *origin,
                        const gw_outcome *outcome);

void gws_command_on_publish(gw_hub *h, gw_mail *m);
void gws_command_on_presence(gw_hub *h, gw_mail *m);
void gws_command_on_presence_get(gw_hub *h, gw_mail *m);
void gws_command_on_snapshot(gw_hub *h, gw_mail *m);
void gws_command_on_done(gw_hub *h, gw_mail *m);

/* ---- publishing at the owner (publish.c) -------------------------------- */

/** Names an item; never 0, which is none. The key of the hash is the node's, so
 * that each worker finds the same. */
uint64_t gws_item_hash(const gw_hub *h, gw_view item);

/** Take a publication: refuse, recognise, or stamp and fan out. mail as above;
 * consumed. */
void gws_publish_accept(gw_hub *h, const gw_publish_command *cmd,
                        const gw_origin *origin, gw_mail *mail);
/** To all live subscribers here of a publication that was just appended. */
struct gw_fanout;
void gws_publish_fan_out(gw_channel *ch, const struct gw_fanout *f);
/** Items whose time is over are removed. */
void gws_publish_expired(gw_channel *ch);
/** A command as mail for the owner; NULL when out of memory. */
gw_mail *gws_publish_mail(const gw_publish_command *cmd,
                          const gw_origin *origin);
/** The same on behalf of the application, at the owner; what became of it is
 * told here. */
gw_outcome gws_publish_own(gw_hub *h, const gw_publish_command *cmd);
/** A follower is given one. */
void gws_publish_follow(gw_hub *h, gw_mail *m);

/* ---- following (follow.c) ----------------------------------------------- */

/** Ask the owner for the channel's state. When out of memory it is tried again
 * by the channel's timer. */
void gws_follow_attach(gw_channel *ch);
/** ATTACHING for too long: ask again if there was no memory to ask, else let
 * nobody wait for longer than a request may. */
void gws_follow_on_late(gw_channel *ch);
uint64_t gws_follow_late_ms(const gw_channel *ch);
/** Nobody here uses it any more: false when there was no memory to say so. */
bool gws_follow_detach(gw_channel *ch);
void gws_follow_on_state(gw_hub *h, gw_mail *m);
void gws_follow_on_refused(gw_hub *h, gw_mail *m);
void gws_follow_on_reset(gw_hub *h, gw_mail *m);
/** Begin one that waits, at a channel that can be served; later, if its position
 * is one that may be on its way here. */
void gws_follow_begin(gw_sub *sub);
void gws_follow_on_synced(gw_hub *h, gw_mail *m);
/** A publication came that does not follow the last: attach anew. */
void gws_follow_break(gw_channel *ch);
void gws_follow_on_roster(gw_hub *h, gw_mail *m);

/** At the owner: give changes of the presence to all followers, with their diff;
 * without one, members are all that are told. NULL for members: there was no
 * memory for them. */
void gws_follow_send_roster(gw_channel *ch, gw_roster *members, gw_buf *diff);
void gws_follow_on_attach(gw_hub *h, gw_mail *m);
void gws_follow_on_detach(gw_hub *h, gw_mail *m);
void gws_follow_on_sync(gw_hub *h, gw_mail *m);
/** The channel ends, with all that followers have of it. */
void gws_follow_send_ended(gw_channel *ch);
void gws_follow_on_ended(gw_hub *h, gw_mail *m);
/** A follower cannot be sent something: it has to attach anew. Its place in the
 * channel's list is taken by another. */
void gws_follow_reset(gw_channel *ch, uint32_t i);
void gws_follow_deinit(gw_channel *ch);

/* Of channels without an owner here: also patterns. */

/** Answer who waits; let who fell behind go on. */
void gws_follow_serve(gw_channel *ch);
/** Let all live ones go on from a cursor. False when out of memory. */
GW_MUST_USE bool gws_follow_stop_live(gw_channel *ch);
/** Put subscriptions into the lists that they belong to now. */
void gws_follow_sort(gw_channel *ch);
/** Nobody gets it: tell all, and free it. */
void gws_follow_end(gw_channel *ch, uint32_t code);

#endif
