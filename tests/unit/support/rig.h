/* SPDX-License-Identifier: MIT */
/* rig.h - a client on the test port, and a hand that plays its server. */
#ifndef GODWIT_TESTS_RIG_H
#define GODWIT_TESTS_RIG_H

#include "client/ports/test.h"

#define RIG_CLIENT_ID 77u
#define RIG_EPOCH     0xE1u

typedef struct rig {
  gw_test_port port;
  gw_client *c;
  uint64_t now;
  /* what snapshots and diffs say of the whole */
  uint32_t mode;
  uint32_t clients;
  uint32_t users;
} rig;

void rig_init(rig *r, const gw_client_options *options);
void rig_deinit(rig *r);

/** Let what was commanded happen, without time passing. */
void rig_go(rig *r);
void rig_run(rig *r, uint64_t ms);

/** Connect, open and welcome: leaves the client ready when nothing is wanted.
 */
void rig_ready(rig *r);
/** Let time pass until the client tries again. */
void rig_until_try(rig *r);
/** The same, then opens and welcomes. */
void rig_back(rig *r);
void rig_open(rig *r);
void rig_welcome(rig *r);
void rig_welcome_with(rig *r, const gw_welcome *w);

/** Frames from the server. channel is its number. */
void rig_bytes(rig *r, const void *data, size_t len);
void rig_subscribed(rig *r, uint32_t request, uint32_t number,
                    const gw_subscribed *m);
/** Answer the oldest unanswered Subscribe: live at (RIG_EPOCH, offset). */
void rig_live(rig *r, uint32_t number, uint64_t offset);
void rig_unsubscribed(rig *r, uint32_t number, uint32_t code);
/** By another client, text as bytes. key 0: none. */
void rig_publication(rig *r, uint32_t number, uint64_t offset, uint64_t client,
                     uint64_t key);
/** The body of an own publication that wanted no echo. */
void rig_publication_quiet(rig *r, uint32_t number, uint64_t offset,
                           uint64_t key);
void rig_own_stub(rig *r, uint32_t number, uint64_t offset, uint64_t key);
void rig_recovery(rig *r, uint32_t number, const gw_recovery *m);
void rig_lagged(rig *r, uint32_t number, uint64_t from, uint64_t to);
void rig_published(rig *r, uint32_t request, uint64_t offset, bool duplicate);
void rig_error(rig *r, uint32_t request, uint32_t code, uint32_t retry_after);
void rig_ok(rig *r, uint32_t request);
void rig_close(rig *r, const gw_close *m);
void rig_ping(rig *r, uint64_t time);
void rig_pong(rig *r, uint64_t time);
void rig_empty(rig *r, uint8_t type, uint32_t request, uint32_t channel);

/** Members with ids 1..9 as digits of `ids`; state is "s" and the digit, or of
 * `states` when given. */
void rig_snapshot(rig *r, uint32_t request, uint32_t number, uint64_t version,
                  const char *ids, bool more);
/** Changes in short: "+3 *2 -1", enter, update, leave; with ! as the first or
 * last client of its user. */
void rig_diff(rig *r, uint32_t number, uint64_t version, const char *changes);
void rig_call(rig *r, uint32_t request, const char *method);
void rig_result(rig *r, uint32_t request, const char *data);
/** A message from a client, to this one's user. */
void rig_message(rig *r, uint64_t client, const char *event, const char *json);
/** An answer to a Send. */
void rig_receivers(rig *r, uint32_t request, uint32_t receivers);

/** Whether the server can talk to the client. */
bool rig_is_up(const rig *r);
/** Be a server for some time: open, welcome, say yes to what is asked. */
void rig_serve(rig *r, uint64_t ms);

/** Take a frame that the client sent; fails the test when there is none. */
const gw_test_frame *rig_sent(rig *r, uint8_t type);
/** Fails the test when there is one. */
void rig_not_sent(rig *r, uint8_t type);
gw_subscribe rig_sent_subscribe(rig *r, gw_head *head);
gw_publish rig_sent_publish(rig *r, gw_head *head);

/** The events since the last call, in short; see gw_test_port.trace. */
void rig_expect(rig *r, const char *trace);
/** The same, for a text that the trace must hold. */
void rig_expect_within(rig *r, const char *part);
/** Forget events and frames. */
void rig_forget(rig *r);

uint32_t rig_sub(rig *r, const char *channel, const gw_sub_options *options);
uint64_t rig_publish(rig *r, const char *channel, const char *text,
                     const gw_publish_options *options);
gw_client_info rig_info(rig *r);
bool rig_view_is(gw_view v, const char *text);

#endif
