/* SPDX-License-Identifier: MIT */
/* driver.h - how the load generator speaks one server's protocol. */
#ifndef GODWIT_LOAD_DRIVER_H
#define GODWIT_LOAD_DRIVER_H

#include "server/load/conn.h"
#include "server/load/load.h"

typedef struct gw_load_room gw_load_room;

/** What a connection is there for: bits. */
enum gw_load_role { GW_LOAD_SUBSCRIBES = 1, GW_LOAD_PUBLISHES = 2 };

/** One connection, subscribed to one room, or its publisher, or both. */
typedef struct gw_load_peer {
  gw_load_conn conn;
  gw_load *load;
  gw_load_room *room;
  uint32_t index;
  uint8_t roles;
  bool is_ready;
  bool is_back;  /**< was cut, and recovers from its position */
  uint64_t next; /**< number of the publication that is to come */
  /* For the driver. */
  uint64_t epoch;
  uint64_t position;
  uint32_t number;
  uint32_t step;
} gw_load_peer;

/** Room for the longest name and its number. */
#define GW_LOAD_NAME_MAX 96u

typedef struct gw_load_entry gw_load_entry;
struct gw_load_room {
  /* read-only */
  char name[GW_LOAD_NAME_MAX];
  uint32_t index;
  uint32_t num_subscribers;
  gw_load_peer *publisher;
  uint64_t sent; /**< and the number of the next publication */
  uint64_t acked;
  /* For the driver: marks[] are places in the message that it patches. */
  uint32_t marks[2];
  /* private */
  uint64_t completed;
  gw_load_entry *ring;
  uint8_t *frame;
  uint32_t frame_len;
  uint32_t payload_at;
  gw_load_room *next_due;
  bool is_due;
};

typedef struct gw_load_driver {
  const char *name;
  /** Of the WebSocket; NULL: none. */
  const char *subprotocol;
  /** It sends text messages, not binary ones. */
  bool is_text;
  /** The boundaries of WebSocket messages mean nothing: on_data may leave what
   * is not whole. */
  bool is_stream;
  /** Each publication is acknowledged by gw_load_acked. */
  bool has_acks;
  /** on_open minds is_back. */
  bool can_recover;
  /** Path of a connection; NULL: the URL's. Returns 0, GW_ERR_FULL. */
  int (*put_path)(const gw_load_peer *p, gw_out *out);
  /** The WebSocket is open: say hello, subscribe. NULL: gw_load_ready at once.
   */
  void (*on_open)(gw_load_peer *p);
  /** Bytes of a message or stream. Returns how many were used; a driver that is
   * no stream uses all. After gw_load_fail the result does not matter. */
  size_t (*on_data)(gw_load_peer *p, gw_view data);
  /** The message that publishes a payload in the room of a publisher. The
   * payload must stand in it as it is, once. Returns 0, GW_ERR_FULL. */
  int (*put_publish)(const gw_load_peer *p, gw_view payload, gw_out *out);
  /** Change what differs from one publication of a room to the next, apart from
   * the payload. May be NULL. */
  void (*patch)(gw_load_room *r, uint64_t number, uint8_t *message);
} gw_load_driver;

/** The driver of Godwit's binary protocol. */
extern const gw_load_driver gw_load_godwit;

/* ---- what a driver tells ------------------------------------------------ */

const gw_load_options *gw_load_get_options(const gw_load *l);

/** It is subscribed, or ready to publish. */
void gw_load_ready(gw_load_peer *p);
/** A payload arrived. */
void gw_load_delivered(gw_load_peer *p, gw_view payload);
/** The next publication of the room was acknowledged. */
void gw_load_acked(gw_load_peer *p);
/** The run is worth nothing any more; the first reason counts. */
void gw_load_fail(gw_load *l, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** Send a message of the driver's kind. */
void gw_load_say(gw_load_peer *p, gw_view message);

#endif
