/* SPDX-License-Identifier: MIT */
/* acts.h - what the application does to users and clients by the API, remembered
 * for those of their connections that are still on their way in. */
#ifndef GODWIT_SERVER_ACTS_H
#define GODWIT_SERVER_ACTS_H

#include "server/core/ask.h"
#include "server/core/index.h"

typedef struct gw_hub gw_hub;
typedef struct gw_session gw_session;

/*
 *   Hello ---> asked about, waits -------------------> answer: user u, let in
 *                   |    disconnect u                          |
 *                   |         +--- remembered ---------------->+--- turned away
 *
 * An act meets the connections that are there. One whose Hello waits for an answer
 * is there as well, but nobody can say yet whose it is, and the answer may be older
 * than the act. So acts are kept for as long as a Hello waits that came before, and
 * are done to it when it is known: an end in place of its Welcome, channels right
 * behind it. Where no Hello waits nothing is kept. (A Subscribe that waits is of a
 * connection that is known: it needs none of this. See gws_hold_withdraw.)
 *
 * When they are too many, the oldest is forgotten, and who came before it is turned
 * away with OVERLOADED: it comes again, and is asked about anew.
 */

/** Bytes of all that are kept on a worker: some tens of thousands of them. */
#define GWS_ACTS_MAX_BYTES (4u * 1024u * 1024u)

enum gws_act_kind {
  GWS_ACT_END,  /**< disconnect, revoke */
  GWS_ACT_GIVE, /**< subscribe */
  GWS_ACT_TAKE  /**< unsubscribe */
};

/** Views and reason are valid as long as whoever made it says. */
typedef struct gws_act {
  enum gws_act_kind kind;
  gw_view user;       /**< empty: any */
  uint64_t client;    /**< 0: any; one of both is given */
  gw_view channel;    /**< of GIVE and TAKE */
  uint32_t code;      /**< of END and TAKE, for the client */
  const char *reason; /**< NULL: the code's own */
  uint32_t retry_after_ms;
  /** Of END: whoever rests on a token that was issued later is not meant. */
  uint64_t issued_until_ms;
} gws_act;

/** Of a Hello that waits. All zero: it does not. */
typedef struct gws_wait gws_wait;
struct gws_wait {
  gws_wait *prev, *next; /**< hub.acts, the oldest first */
  uint64_t since;        /**< the last act before it came */
};

typedef struct gws_acts {
  struct gws_kept *first; /**< utlist, the oldest first */
  gw_index by_whom;       /**< the same by user or, without, client */
  gws_wait *waits;        /**< utlist */
  uint64_t last;          /**< acts are numbered */
  uint64_t lost;          /**< the last that was forgotten too early */
  size_t bytes;
} gws_acts;

/** A Hello begins to wait, waits no longer. */
void gws_acts_wait(gw_hub *h, gws_wait *w);
void gws_acts_done(gw_hub *h, gws_wait *w);

/** Something was done to who is there: keep it for who waits. Copied. */
void gws_acts_note(gw_hub *h, const gws_act *act);

/**
 * Whether one that is let in has been ended by an act meanwhile; then *v is why,
 * good for as long as it waits.
 *   w  NULL: it did not wait
 *   v  says the user, and what this rests on
 */
bool gws_acts_end(gw_hub *h, const gws_wait *w, uint64_t client, gw_verdict *v);
/** It is open: give it and take from it what was given and taken meanwhile. */
void gws_acts_do(gw_session *s, const gws_wait *w);

void gws_acts_deinit(gw_hub *h);

#endif
