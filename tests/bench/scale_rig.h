/* SPDX-License-Identifier: MIT */
/* scale_rig.h - hubs of one node whose network and mail are memory, for as many
 * channels and connections as fit. Our own mistakes end the program. */
#ifndef GODWIT_BENCH_SCALE_RIG_H
#define GODWIT_BENCH_SCALE_RIG_H

#include "server/core/hub.h"

#define RIG_MAX_WORKERS 16u

typedef struct rig rig;
typedef struct rig_conn rig_conn;

struct rig_conn {
  rig *node;
  uint32_t worker;
  gw_session *session;
  bool is_dirty;
  rig_conn *next_dirty;
};

typedef struct rig_place {
  rig *node;
  uint32_t worker;
} rig_place;

struct rig {
  gw_settings settings;
  gw_namespace space;
  uint32_t num_workers;
  gw_hub *hubs[RIG_MAX_WORKERS];
  rig_place places[RIG_MAX_WORKERS];
  rig_conn *dirty[RIG_MAX_WORKERS];
  gw_mail *mail[RIG_MAX_WORKERS]; /* oldest first */
  gw_mail **mail_end[RIG_MAX_WORKERS];
  uint64_t now_ms;
  uint64_t random;
  uint32_t num_clients;
  size_t bytes; /**< that were taken from sessions */
};

void must(bool holds, const char *what);

/** A node with the given history of each channel; the other settings are the
 * defaults. */
rig *rig_new(uint32_t num_workers, uint32_t history_size);

/** Connect somebody new, who is welcomed. */
rig_conn *rig_join(rig *r, uint32_t worker);
/** The first half: before Hello. */
rig_conn *rig_open(rig *r, uint32_t worker);
void rig_leave(rig_conn *c);
void rig_subscribe(rig_conn *c, uint32_t alias, const char *channel);
void rig_publish(rig_conn *c, const char *channel, uint64_t key,
                 uint64_t after);
/** A channel's name whose owner is this worker. */
void rig_name_owned(const rig *r, uint32_t worker, char name[32]);

/** Feed a message that was made beforehand. */
void rig_feed(rig_conn *c, gw_view message);
/** One turn of a worker: its mail, then its output. */
void rig_turn(rig *r, uint32_t worker);
/** Turns of all workers until nothing is left. */
void rig_settle(rig *r);

/* ---- messages, made before anything is counted ---------------------------- */

typedef struct rig_messages {
  uint32_t num;
  uint32_t used;
  uint32_t cap;
  gw_view *views;
  gw_out out;
} rig_messages;

void rig_messages_init(rig_messages *m, uint32_t cap);
void rig_messages_clear(rig_messages *m);
void rig_put_hello(rig_messages *m, rig *r);
void rig_put_subscribe(rig_messages *m, uint32_t alias, const char *channel);
void rig_put_unsubscribe(rig_messages *m, uint32_t alias);
void rig_put_publish(rig_messages *m, const char *channel, uint64_t key,
                     uint64_t after);
gw_view rig_take(rig_messages *m);

#endif
