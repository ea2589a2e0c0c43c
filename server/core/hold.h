/* SPDX-License-Identifier: MIT */
/* hold.h - frames of a session that wait for an answer to a question, and those
 * behind them that must not overtake. */
#ifndef GODWIT_SERVER_HOLD_H
#define GODWIT_SERVER_HOLD_H

#include "server/core/acts.h"

/*
 *   Subscribe a   asks, waits ------------------+
 *   Publish a     waits behind it               |
 *   Publish b     goes on: another channel      |
 *   Ping          goes on: of no channel        v
 *                                  decided: Subscribe a, then Publish a
 *
 * A Hello that waits holds everything but Ping, Pong and Close. What is held is
 * copied, and counted: a session that has more held than its queue may have
 * bytes is closed with OVERLOADED, comes back and sends everything again.
 */
typedef struct gw_hold gw_hold;

/** All zero is empty. Lies in a block of its own: few sessions ever have one. */
typedef struct gw_holds {
  gw_hold *first; /**< in the order of their coming */
  gw_hold *last;
  gw_hold *running; /**< is handled at the moment, and may ask (again) */
  uint64_t last_ticket;
  size_t bytes;
} gw_holds;

typedef struct gw_session gw_session;

/** What came of a question. */
enum gws_answer {
  GWS_ANSWER_YES,
  GWS_ANSWER_NO,   /**< the verdict says why */
  GWS_ANSWER_LATER /**< the frame is held, and comes again with the verdict */
};

/**
 * Ask, on behalf of a frame whose handler returns at LATER without having done
 * anything; it is called again with the same frame when the answer is there, and
 * then gets it here. Fields of q but kind, token, channel and what belongs to the
 * kind are filled in.
 */
enum gws_answer gws_ask(gw_session *s, const gw_frame *f, gw_question *q,
                        gw_verdict *v);

/** Hold a Hello for another reason: the ticket to decide it with. 0: there is no
 * room. */
uint64_t gws_hold_all(gw_session *s, const gw_frame *f);

/** Whether a frame has to wait behind one that is held: then it was copied, or
 * the session ended for want of room. */
bool gws_hold_catches(gw_session *s, const gw_frame *f);

/** An answer came. Stale ones are ignored. */
void gws_hold_decide(gw_session *s, uint64_t ticket, const gw_verdict *v);

/** Of the Hello that is handled, if it had to wait; NULL. */
const gws_wait *gws_hold_wait(const gw_session *s);

/** The application takes a channel back, by the hash of its name: a Subscribe to it
 * that is asked about is refused now, with this, and an answer comes too late.
 * Returns whether there was one. */
bool gws_hold_withdraw(gw_session *s, uint64_t channel, const gw_verdict *v);

void gws_holds_free(gw_session *s);

/** Whoever was asked has this long; then the answer is TIMEOUT. Above what the
 * answerers of this server allow themselves, so that theirs comes first. */
#define GWS_HOLD_MS (2u * GW_REQUEST_TIMEOUT_MS)
typedef struct gw_timer gw_timer;
void gws_hold_on_timer(gw_timer *t);

#endif
