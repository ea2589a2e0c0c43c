/* SPDX-License-Identifier: MIT */
/* scale.c - what one operation costs when there is much of something else: one
 * case and one number at a time, as CPU time, or under callgrind as instructions
 * of scale_measured. scale.py calls it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/core/wheel.h"
#include "tests/bench/scale_rig.h"

/** Operations that are prepared and then measured in one piece. */
#define BATCH 100u

#define HISTORY     100u
#define ROOM        "room"
#define IN_ROOM     10u
#define FULL        (HISTORY + 50u)
#define ALIAS       1000001u
#define TIMER_RANGE 25000u /* milliseconds: the interval of pings */

typedef struct scale {
  uint32_t num; /**< of what there is much of */
  rig *node;
  rig_conn *publisher;
  rig_conn **others;
  rig_messages messages;
  char channel[32];
  uint64_t key;
  gw_wheel wheel;
  gw_timer *timers;
  uint32_t num_fired;
  uint64_t random;
} scale;

/* ---- common parts ----------------------------------------------------------- */

static scale *make(uint32_t num, uint32_t num_workers) {
  scale *s = calloc(1, sizeof *s);
  must(s != NULL, "out of memory");
  s->num = num;
  s->random = 1;
  s->node = rig_new(num_workers, HISTORY);
  s->publisher = rig_join(s->node, 0);
  s->others = calloc(num + BATCH, sizeof(rig_conn *));
  must(s->others != NULL, "out of memory");
  rig_messages_init(&s->messages, BATCH);
  rig_name_owned(s->node, 0, s->channel);
  return s;
}

static uint32_t next_random(scale *s) {
  s->random = s->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
  return (uint32_t)(s->random >> 33);
}

static void publish_unmeasured(scale *s, const char *channel) {
  s->key++;
  rig_publish(s->publisher, channel, s->key, 0);
}

/** Subscribers of a channel on a worker, then as many publications as fill its
 * history and every ring on the way. */
static void fill_room(scale *s, uint32_t worker, uint32_t num_subscribers) {
  for (uint32_t i = 0; i < num_subscribers; i++)
    rig_subscribe(rig_join(s->node, worker), 1, s->channel);
  for (uint32_t i = 0; i < FULL; i++)
    publish_unmeasured(s, s->channel);
}

static void prepare_publications(scale *s, uint32_t num) {
  rig_messages_clear(&s->messages);
  for (uint32_t i = 0; i < num; i++, s->key++)
    rig_put_publish(&s->messages, s->channel, s->key + 1, s->key);
}

/** Each publication leaves in a turn of its own. */
static void publish(scale *s, uint32_t num) {
  for (uint32_t i = 0; i < num; i++) {
    rig_feed(s->publisher, rig_take(&s->messages));
    rig_turn(s->node, 0);
  }
}

/* ---- publishing to a room of ten -------------------------------------------- */

/** Every other channel holds a publication, and remembers its publisher. */
static scale *among_channels(uint32_t num) {
  scale *s = make(0, 1);
  for (uint32_t i = 1; i < num; i++) {
    char name[32];
    (void)snprintf(name, sizeof name, "other-%" PRIu32, i);
    publish_unmeasured(s, name);
  }
  s->num = num;
  fill_room(s, 0, IN_ROOM);
  return s;
}

static scale *among_connections(uint32_t num) {
  scale *s = make(num, 1);
  for (uint32_t i = 0; i < num; i++)
    s->others[i] = rig_join(s->node, 0);
  fill_room(s, 0, IN_ROOM);
  return s;
}

/* ---- publishing to all channels in turn ------------------------------------- */

static void prepare_spread(scale *s, uint32_t num) {
  rig_messages_clear(&s->messages);
  for (uint32_t i = 0; i < num; i++, s->key++) {
    char name[32];
    (void)snprintf(name, sizeof name, "other-%" PRIu32,
                   1 + next_random(s) % s->num);
    rig_put_publish(&s->messages, name, s->key + 1, 0);
  }
}

static scale *spread(uint32_t num) {
  scale *s = among_channels(num + 1);
  s->num = num;
  return s;
}

/* ---- subscribing ------------------------------------------------------------ */

/** Many in one channel. */
static scale *among_subscribers(uint32_t num) {
  scale *s = make(num, 1);
  for (uint32_t i = 0; i < num; i++)
    rig_subscribe(rig_join(s->node, 0), 1, s->channel);
  for (uint32_t i = 0; i < BATCH; i++)
    s->others[i] = rig_join(s->node, 0);
  return s;
}

/** Many of one connection; those that are added and taken away are of the same
 * one. */
static scale *among_own(uint32_t num) {
  scale *s = make(num, 1);
  rig_conn *c = rig_join(s->node, 0);
  for (uint32_t i = 0; i < num; i++) {
    char name[32];
    (void)snprintf(name, sizeof name, "own-%" PRIu32, i);
    rig_subscribe(c, 1 + i, name);
  }
  for (uint32_t i = 0; i < BATCH; i++)
    s->others[i] = c;
  return s;
}

static bool is_own(const scale *s) {
  return s->others[0] == s->others[1];
}

static void put_subscriptions(scale *s, uint32_t num) {
  rig_messages_clear(&s->messages);
  for (uint32_t i = 0; i < num; i++) {
    char name[32];
    (void)snprintf(name, sizeof name, "more-%" PRIu32, i);
    rig_put_subscribe(&s->messages, ALIAS + i, is_own(s) ? name : s->channel);
  }
}

static void put_farewells(scale *s, uint32_t num) {
  rig_messages_clear(&s->messages);
  for (uint32_t i = 0; i < num; i++)
    rig_put_unsubscribe(&s->messages, ALIAS + i);
}

static void feed_others(scale *s, uint32_t num) {
  for (uint32_t i = 0; i < num; i++) {
    rig_feed(s->others[i], rig_take(&s->messages));
    rig_turn(s->node, 0);
  }
}

static void prepare_unsubscribe(scale *s, uint32_t num) {
  put_subscriptions(s, num);
  feed_others(s, num);
  put_farewells(s, num);
}

static void undo_subscribe(scale *s, uint32_t num) {
  put_farewells(s, num);
  feed_others(s, num);
}

/* ---- connecting ------------------------------------------------------------- */

static scale *among_connected(uint32_t num) {
  scale *s = make(num, 1);
  for (uint32_t i = 0; i < num; i++)
    (void)rig_join(s->node, 0);
  return s;
}

static void prepare_connect(scale *s, uint32_t num) {
  rig_messages_clear(&s->messages);
  for (uint32_t i = 0; i < num; i++)
    rig_put_hello(&s->messages, s->node);
}

static void connect_some(scale *s, uint32_t num) {
  for (uint32_t i = 0; i < num; i++) {
    s->others[i] = rig_open(s->node, 0);
    rig_feed(s->others[i], rig_take(&s->messages));
    rig_turn(s->node, 0);
  }
}

static void leave(scale *s, uint32_t num) {
  for (uint32_t i = 0; i < num; i++)
    rig_leave(s->others[i]);
}

static void prepare_leave(scale *s, uint32_t num) {
  prepare_connect(s, num);
  connect_some(s, num);
}

/* ---- timers ----------------------------------------------------------------- */

static void set_timer(scale *s, uint32_t i) {
  gw_wheel_set(&s->wheel, &s->timers[i],
               s->wheel.now + 1 + next_random(s) % TIMER_RANGE);
}

static scale *among_timers(uint32_t num) {
  scale *s = make(0, 1);
  s->num = num;
  s->timers = calloc(num + BATCH, sizeof *s->timers);
  must(s->timers != NULL, "out of memory");
  gw_wheel_init(&s->wheel, 1000000);
  for (uint32_t i = 0; i < num; i++)
    set_timer(s, i);
  return s;
}

static void set_timers(scale *s, uint32_t num) {
  for (uint32_t i = 0; i < num; i++)
    set_timer(s, s->num + i);
}

static void cancel_timers(scale *s, uint32_t num) {
  for (uint32_t i = 0; i < num; i++)
    gw_wheel_cancel(&s->wheel, &s->timers[s->num + i]);
}

static void fire(void *user, gw_timer *timer) {
  scale *s = user;
  s->num_fired++;
  set_timer(s, (uint32_t)(timer - s->timers));
}

/** Time goes by until so many have fired, and each is set again, as that of a
 * connection is. */
static void fire_timers(scale *s, uint32_t num) {
  s->num_fired = 0;
  while (s->num_fired < num)
    gw_wheel_advance(&s->wheel, gw_wheel_deadline(&s->wheel), fire, s);
}

/* ---- workers ---------------------------------------------------------------- */

/** At the owner: so many other workers follow the channel. */
static scale *with_followers(uint32_t num) {
  scale *s = make(0, num + 1);
  for (uint32_t i = 1; i <= num; i++)
    rig_subscribe(rig_join(s->node, i), 1, s->channel);
  fill_room(s, 0, 0);
  return s;
}

static void drop_mail(scale *s, uint32_t num) {
  (void)num;
  rig_settle(s->node);
}

/** At a follower with so many subscribers. */
static scale *as_follower(uint32_t num) {
  scale *s = make(num, 2);
  fill_room(s, 1, num);
  return s;
}

static void prepare_mail(scale *s, uint32_t num) {
  prepare_publications(s, num);
  for (uint32_t i = 0; i < num; i++)
    rig_feed(s->publisher, rig_take(&s->messages));
  rig_turn(s->node, 0);
}

static void follow(scale *s, uint32_t num) {
  (void)num;
  rig_turn(s->node, 1);
}

/** At the owner, with so many subscribers of its own. */
static scale *with_subscribers(uint32_t num) {
  scale *s = make(num, 1);
  fill_room(s, 0, num);
  return s;
}

/* ---- the cases -------------------------------------------------------------- */

typedef struct scale_case {
  const char *name;
  scale *(*set_up)(uint32_t num);
  void (*prepare)(scale *s, uint32_t num);
  void (*run)(scale *s, uint32_t num); /**< is measured */
  void (*undo)(scale *s, uint32_t num);
} scale_case;

static void nothing(scale *s, uint32_t num) {
  (void)s;
  (void)num;
}

static const scale_case cases[] = {
    {"publish-channels", among_channels, prepare_publications, publish,
     nothing},
    {"publish-connections", among_connections, prepare_publications, publish,
     nothing},
    {"publish-spread", spread, prepare_spread, publish, nothing},
    {"subscribe", among_subscribers, put_subscriptions, feed_others,
     undo_subscribe},
    {"unsubscribe", among_subscribers, prepare_unsubscribe, feed_others,
     nothing},
    {"subscribe-own", among_own, put_subscriptions, feed_others,
     undo_subscribe},
    {"unsubscribe-own", among_own, prepare_unsubscribe, feed_others, nothing},
    {"connect", among_connected, prepare_connect, connect_some, leave},
    {"disconnect", among_connected, prepare_leave, leave, nothing},
    {"timer-set", among_timers, nothing, set_timers, cancel_timers},
    {"timer-cancel", among_timers, set_timers, cancel_timers, nothing},
    {"timer-fire", among_timers, nothing, fire_timers, nothing},
    {"fan-out", with_subscribers, prepare_publications, publish, nothing},
    {"mail", with_followers, prepare_publications, publish, drop_mail},
    {"follow", as_follower, prepare_mail, follow, nothing},
};

/** What callgrind counts: see scale.py. */
void scale_measured(const scale_case *c, scale *s, uint32_t num);
void scale_measured(const scale_case *c, scale *s, uint32_t num) {
  c->run(s, num);
}

/* Called through this, so that it stays a function of its own. */
static void (*volatile measured)(const scale_case *c, scale *s,
                                 uint32_t num) = scale_measured;

static uint64_t cpu_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void run(const scale_case *c, uint32_t num, uint32_t num_ops) {
  uint64_t sum = 0;
  scale *s = c->set_up(num);
  for (uint32_t done = 0; done < num_ops; done += BATCH) {
    c->prepare(s, BATCH);
    uint64_t before = cpu_ns();
    measured(c, s, BATCH);
    sum += cpu_ns() - before;
    c->undo(s, BATCH);
  }
  printf("{\"ops\":%" PRIu32 ",\"cpu_ns\":%" PRIu64 "}\n", num_ops, sum);
}

int main(int argc, char **argv) {
  const size_t num_cases = sizeof cases / sizeof cases[0];
  if (argc == 4) {
    uint32_t num = (uint32_t)strtoul(argv[2], NULL, 10);
    uint32_t num_ops = (uint32_t)strtoul(argv[3], NULL, 10);
    must(num_ops > 0 && num_ops % BATCH == 0, "the operations are hundreds");
    for (size_t i = 0; i < num_cases; i++) {
      if (strcmp(argv[1], cases[i].name) != 0) continue;
      run(&cases[i], num, num_ops);
      return 0;
    }
  }
  fputs("usage: godwit-scale CASE NUMBER OPERATIONS\ncases:", stderr);
  for (size_t i = 0; i < num_cases; i++)
    fprintf(stderr, " %s", cases[i].name);
  fputc('\n', stderr);
  return 2;
}
