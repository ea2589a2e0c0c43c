/* SPDX-License-Identifier: MIT */
/* bridge.h - one client as JavaScript sees it: a handle, the events of a turn,
 * and a mailbox of numbers at the handle's address. */
#ifndef GODWIT_WASM_BRIDGE_H
#define GODWIT_WASM_BRIDGE_H

#include "godwit/client.h"

/** Bytes that grow by doubling, emptied at each turn. */
typedef struct bridge_buf {
  uint8_t *data;
  uint32_t len;
  uint32_t cap;
} bridge_buf;

/**
 * The handle is the address of this struct. JavaScript reads the first words in
 * place, so that learning what a call led to costs no further call:
 *
 *   word 0, 1   address and bytes of the event records
 *   word 3, 4   address and bytes of the texts that the records point into
 *   word 6      address of the bytes that they point into
 *   word 9      1 when the timer is to be set anew; JavaScript clears it
 *   word 10     delay of the timer in ms; all ones: no timer
 *   word 12 ... what a command returned beside its result: a key, a position
 */
typedef struct bridge {
  bridge_buf records;
  bridge_buf texts;
  bridge_buf bytes;
  uint32_t has_timer;
  uint32_t timer_ms;
  gw_position returned;
  /* private */
  gw_client *client;
  uint32_t id;
  bool now_known; /**< now_ms holds for the call that runs */
  uint64_t now_ms;
} bridge;

/** Forget the events of the last turn, which JavaScript has read. */
void bridge_events_begin(bridge *b);
/** gw_port.event: add an event to the records, and what belongs in front of it. */
void bridge_events_put(void *user, const gw_event *event);
/** Add this one. */
void bridge_event_put(bridge *b, const gw_event *event);

/* presence.c; lean/presence.c stands in for it */
/** A record beside those of gw_event_type: a member of the reply that follows.
 * The subscription is the request. */
#define BRIDGE_RECORD_MEMBER (GW_EVENT_TOKEN + 1)
/** Add the members that an event is about. */
void bridge_presence_put(bridge *b, const gw_event *event);

#endif
