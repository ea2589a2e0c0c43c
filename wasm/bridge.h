/* SPDX-License-Identifier: MIT */
/* bridge.h - one client as JavaScript sees it: a handle, an outbox of events,
 * and a mailbox of numbers at the handle's address. */
#ifndef GODWIT_WASM_BRIDGE_H
#define GODWIT_WASM_BRIDGE_H

#include "godwit/client.h"

/** Words of `result`: gw_client_info is the largest. */
#define BRIDGE_RESULT_WORDS 32u

/** Bytes that grow by doubling, emptied at each turn. */
typedef struct bridge_buf {
  uint8_t *data;
  uint32_t len;
  uint32_t cap;
} bridge_buf;

/**
 * The handle is the address of this struct. JavaScript reads the first fields
 * in place, so that learning what a call led to costs no further call:
 *
 *   word 0      address of the event records
 *   word 1      their length in bytes
 *   word 2      address of the texts that the records point into
 *   word 3      1 when the timer is to be set anew
 *   word 4, 5   double: delay of the timer in ms; below 0: no timer
 *   word 6 ...  result: what a command returns beside its code
 */
typedef struct bridge {
  uint8_t *records_at;
  uint32_t records_len;
  uint8_t *texts_at;
  uint32_t has_timer;
  double timer_ms;
  uint32_t result[BRIDGE_RESULT_WORDS];
  /* private */
  gw_client *client;
  uint32_t id;
  bool now_known; /**< now_ms holds for the turn that runs */
  uint64_t now_ms;
  gw_view message; /**< the one that is being taken in, else empty */
  bridge_buf records;
  bridge_buf texts;
} bridge;

/** Forget the events of the last turn, which JavaScript has read. */
void bridge_events_begin(bridge *b);
/** Publish the buffers' places in the first words. */
void bridge_events_end(bridge *b);
/** gw_port.event: encode an event. */
void bridge_events_put(void *user, const gw_event *event);
void bridge_events_deinit(bridge *b);

#endif
