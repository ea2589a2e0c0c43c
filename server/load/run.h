/* SPDX-License-Identifier: MIT */
/* run.h - the state of a run, for the files of this folder. */
#ifndef GODWIT_LOAD_RUN_H
#define GODWIT_LOAD_RUN_H

#include <signal.h>

#include "server/load/driver.h"

struct gw_load_entry {
  uint64_t sent_ns;
  uint32_t left; /**< subscribers that have not got it */
  uint8_t head[GW_LOAD_HEAD_BYTES];
};

struct gw_load {
  gw_load_options options;
  const gw_load_driver *driver;
  gw_load_sockets sockets;

  gw_load_room *rooms;
  gw_load_peer *peers;
  uint32_t num_peers;
  uint32_t num_opened;
  uint32_t num_handshakes; /**< opened, and not ready */
  uint32_t num_ready;

  uint32_t ring_mask;
  uint8_t *filler; /**< what is in a payload behind its head */
  gw_out batch;    /**< frames on their way out */

  uint64_t now_ns; /**< when input was last read */
  bool is_publishing;
  bool is_measuring;
  volatile sig_atomic_t is_stopped; /**< set by a signal handler */
  bool is_failed;
  uint64_t second_ns; /**< when on_second is next */
  gw_load_room *due;  /**< rooms whose window has opened */
  uint64_t paced_since_ns;
  uint64_t num_paced; /**< publications that were due so far */
  gw_load_counts total;
  gw_load_result *result;
  uint64_t storm_ns; /**< when everybody began to come back; 0: no storm */
  gw_load_comeback *comeback;
  char why[256];
};

/** A server that does nothing for this long while something is awaited has
 * failed. */
#define GW__LOAD_PATIENCE_NS UINT64_C(10000000000)

/** Begin to connect a peer. Nothing happens after a failure. */
void gw__load_connect(gw_load *l, gw_load_peer *p);
/** Wait for what is under way, as long as something still comes. */
void gw__load_settle(gw_load *l);

/* ---- rooms.c ------------------------------------------------------------- */

/** Make the rooms' frames and rings; NULL, or what is wrong. */
const char *gw__load_rooms_init(gw_load *l);
void gw__load_rooms_deinit(gw_load *l);
/** From now on rooms publish, as the options say. */
void gw__load_rooms_begin(gw_load *l);
/** Publish one more in a room. */
void gw__load_rooms_publish(gw_load *l, gw_load_room *r, uint64_t now_ns);
/** Publish what is due. */
void gw__load_rooms_pump(gw_load *l);
/** When the next publication is due, or UINT64_MAX. */
uint64_t gw__load_rooms_due_ns(const gw_load *l);
/** Whether everything that was sent was acknowledged and delivered. */
bool gw__load_rooms_is_complete(const gw_load *l);

#endif
