/* SPDX-License-Identifier: MIT */
/* test.h - a port without I/O: virtual clock, seeded random, and a transport
 * that the test carries by hand or the simulation by hooks. */
#ifndef GODWIT_CLIENT_PORTS_TEST_H
#define GODWIT_CLIENT_PORTS_TEST_H

#include "godwit/client.h"

typedef struct gw_test_port gw_test_port;

/** What a simulation wants to know as it happens. Each may be NULL. As in every
 * port, none may call into the client. */
typedef struct gw_test_hooks {
  void (*open)(gw_test_port *p, uint32_t generation, gw_view endpoint);
  void (*send)(gw_test_port *p, uint32_t generation, gw_view message);
  void (*close)(gw_test_port *p, uint32_t generation, uint32_t code,
                gw_view reason);
  void (*log)(gw_test_port *p, enum gw_log_level level, const char *text);
  bool (*may_move)(gw_test_port *p, enum gw_state from, enum gw_state to,
                   uint32_t code);
  void (*store_put)(gw_test_port *p, uint64_t key, gw_view entry);
  void (*store_remove)(gw_test_port *p, uint64_t key);
  /** The application's handler: may give commands. */
  void (*event)(gw_test_port *p, const gw_event *event);
} gw_test_hooks;

/** A copy of an event, with its texts. */
typedef struct gw_test_event {
  struct gw_test_event *next;
  gw_event event;
} gw_test_event;

/** A frame that the client sent. */
typedef struct gw_test_frame {
  struct gw_test_frame *next;
  uint32_t message; /**< number of the message that it came in, from 1 */
  gw_head head;
  gw_view body;
} gw_test_frame;

struct gw_test_port {
  gw_client *client;
  void *arg; /**< of the test */
  gw_test_hooks hooks;
  const uint64_t *now_ms; /**< the clock, shared by all who live in it */
  uint64_t random_state;
  uint64_t timer_ms; /**< when the client wants to be called; UINT64_MAX: never
                      */
  /* the transport, as the core sees it */
  uint32_t generation;
  bool wanted;     /**< between open and close */
  bool is_open;    /**< gw_test_open was called for this generation */
  bool is_greeted; /**< the first message of the open transport went out */
  uint32_t close_code;
  uint32_t num_opens;
  uint32_t num_messages;
  char endpoint[256];
  /* what was recorded; keep_records false: nothing */
  bool keep_records;
  gw_test_frame *frames, **frames_end;
  gw_test_event *events, **events_end;
  /** Events in short, each with a space behind: "connecting ", "sub1:live ",
   * "pub1:5 ", "gap1:6-9 ", "ack3 ", "enter1:7 ", "sync1 ", "reply4:101 ",
   * "token1:300 ". */
  char trace[8192];
};

/**
 * Make a client with this port. seed: of its random numbers. now_ms has to
 * outlive the port. Options without endpoints get one.
 *   returns  the client, NULL when out of memory
 */
gw_client *gw_test_port_init(gw_test_port *p, const gw_client_options *options,
                             const uint64_t *now_ms, uint64_t seed);
/** Frees the client and what was recorded. */
void gw_test_port_deinit(gw_test_port *p);

/** Call the client's timer if its time has come. Returns whether it had. */
bool gw_test_tick(gw_test_port *p);
/** Let time pass on a clock of this port's own, timers included. */
void gw_test_run(gw_test_port *p, uint64_t *now_ms, uint64_t ms);

/** News of the current generation. */
void gw_test_open(gw_test_port *p);
void gw_test_close(gw_test_port *p, uint32_t code);
/** One whole message. */
void gw_test_data(gw_test_port *p, gw_view message);

/** Take the oldest recorded event of a type, or frame; NULL when there is
 * none. Valid until the same function is called again. */
const gw_event *gw_test_take_event(gw_test_port *p, enum gw_event_type type);
const gw_test_frame *gw_test_take_frame(gw_test_port *p, uint8_t type);
/** Forget what was recorded so far. */
void gw_test_forget(gw_test_port *p);

/** An allocator that fails: at call number fail_at (from 1), or from it on. */
typedef struct gw_test_alloc {
  uint64_t num_calls;
  uint64_t fail_at; /**< 0: never */
  bool and_after;
  int64_t num_blocks; /**< not freed yet */
} gw_test_alloc;
gw_alloc gw_test_alloc_use(gw_test_alloc *a);

#endif
