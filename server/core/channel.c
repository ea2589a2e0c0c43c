/* SPDX-License-Identifier: MIT */
/* channel.c - channels of one worker: found by name, made and forgotten. */
#include "server/core/channel.h"

#include <assert.h>

#include "server/core/batch.h"
#include "server/core/mail.h"
#include "server/core/presence.h"
#include "server/core/session.h"

/** A follower keeps a channel for this long after its last subscriber, so that
 * a page that is loaded again does not move the history again. */
#define LINGER_MS 5000u

/** What has expired is dropped this much later, many at once. Nobody is served
 * it meanwhile. */
#define EXPIRY_SLACK_MS 1000u

#define SEATS_MIN 4u

/** No visit is planned farther ahead; well within what the wheel takes. */
#define FAR_MS (GW_WHEEL_MAX_MS / 2)

/* ---- names --------------------------------------------------------------- */

uint32_t gws_channel_owner(const gw_hub *h, uint64_t hash) {
  /* The low half finds the channel in the worker's table. */
  return (uint32_t)(hash >> 32) % h->num_workers;
}

bool gws_channel_name_is_valid(const gw_hub *h, gw_view name) {
  uint32_t max = h->settings->limits.max_channel_bytes;
  if (max == 0 || max > GW_MAX_CHANNEL_BYTES) max = GW_MAX_CHANNEL_BYTES;
  if (name.len == 0 || name.len > max || !gw_view_is_text(name)) return false;
  for (size_t i = 0; i < name.len; i++) {
    if (name.data[i] < 0x20 || name.data[i] == 0x7F) return false;
  }
  return true;
}

gw_view gws_channel_name(const gw_channel *ch) {
  return (gw_view){ch->name, ch->name_len};
}

gw_channel *gws_channel_find(const gw_hub *h, gw_view name, uint64_t hash) {
  gw_channel *ch;
  HASH_FIND_BYHASHVALUE(hh, h->by_name, name.data, name.len, (uint32_t)hash,
                        ch);
  return ch;
}

static uint32_t number_hash(uint32_t number) {
  return number * UINT32_C(0x9E3779B1); /* numbers are the owners' choice */
}

/** Numbers of a node: owners take turns, so that none is given twice. */
static uint32_t number_of(const gw_hub *h, uint64_t handle) {
  uint64_t number =
      (uint64_t)gw_slots_index(handle) * h->num_workers + h->worker + 1;
  return number <= UINT32_MAX ? (uint32_t)number : 0;
}

gw_channel *gws_channel_by_number(const gw_hub *h, uint32_t number) {
  if (number == 0) return NULL;
  gw_channel *ch;
  if ((number - 1) % h->num_workers == h->worker) {
    uint32_t i = (number - 1) / h->num_workers;
    ch = i < h->channels.num ? gw_slots_at(&h->channels, i) : NULL;
    return ch != NULL && ch->number == number ? ch : NULL;
  }
  gw_index_walk walk = {.hash = number_hash(number)};
  while ((ch = gw_index_next(&h->followed, &walk)) != NULL) {
    if (ch->number == number) return ch;
  }
  return NULL;
}

int gws_channel_set_number(gw_channel *ch, uint32_t number) {
  gw_hub *h = ch->hub;
  if (ch->number == number) return 0;
  if (ch->number != 0)
    gw_index_remove(&h->followed, number_hash(ch->number), ch);
  ch->number = 0;
  if (number == 0) return 0;
  if (gw_index_add(&h->followed, number_hash(number), ch) < 0)
    return GW_ERR_NOMEM;
  ch->number = number;
  return 0;
}

/* ---- life ---------------------------------------------------------------- */

static gw_channel *make(gw_hub *h, gw_view name, uint64_t hash) {
  gw_channel *ch = gw_mem_zalloc(sizeof *ch + name.len);
  if (ch == NULL) return NULL;
  ch->hub = h;
  ch->hash = hash;
  ch->ns = gw_settings_namespace(h->settings, name);
  ch->owner = gws_channel_owner(h, hash);
  ch->timer.kind = GWS_TIMER_CHANNEL;
  ch->used_ms = h->now_ms;
  ch->name_len = (uint8_t)name.len;
  memcpy(ch->name, name.data, name.len);
  ch->handle = gw_slots_add(&h->channels, ch);
  if (ch->handle == 0) {
    gw_mem_free(ch);
    return NULL;
  }
  HASH_ADD_KEYPTR_BYHASHVALUE(hh, h->by_name, ch->name, name.len,
                              (uint32_t)hash, ch);
  if (!GWS_TABLE_HAS(ch)) {
    gw_slots_remove(&h->channels, ch->handle);
    gw_mem_free(ch);
    return NULL;
  }
  return ch;
}

static void begin_owned(gw_channel *ch) {
  gw_hub *h = ch->hub;
  ch->state = GWS_CHANNEL_OWNED;
  ch->epoch = gws_hub_random(h);
  ch->number = number_of(h, ch->handle);
  h->num_owned++;
  gw_stat_add(&h->stats.channels, 1);
}

static void begin_following(gw_channel *ch) {
  ch->state = GWS_CHANNEL_ATTACHING;
  gw_stat_add(&ch->hub->stats.channels_followed, 1);
  gws_follow_attach(ch);
}

gw_channel *gws_channel_get(gw_hub *h, gw_view name, uint64_t hash,
                            uint32_t *code) {
  gw_channel *ch = gws_channel_find(h, name, hash);
  if (ch != NULL) return ch;
  bool is_owned = gws_channel_owner(h, hash) == h->worker;
  uint32_t max = h->settings->max_channels;
  if (is_owned && max != 0 && h->num_owned >= max) {
    *code = GW_CODE_LIMIT_REACHED;
    return NULL;
  }
  ch = make(h, name, hash);
  if (ch == NULL) {
    gws_hub_nomem(h);
    *code = GW_CODE_INTERNAL;
    return NULL;
  }
  if (is_owned)
    begin_owned(ch);
  else
    begin_following(ch);
  /* Whoever made it is about to use it; if nothing comes of that it goes. */
  gws_channel_touch(ch);
  return ch;
}

void gws_channel_free(gw_channel *ch) {
  gw_hub *h = ch->hub;
  assert(ch->num_seats == 0);
  gw_wheel_cancel(&h->wheel, &ch->timer);
  if (ch->state == GWS_CHANNEL_OWNED) {
    h->num_owned--;
    gw_stat_sub(&h->stats.channels, 1);
    gws_follow_deinit(ch);
    gw_dedup_deinit(&ch->window);
  } else {
    (void)!gws_channel_set_number(ch, 0);
    gw_stat_sub(&h->stats.channels_followed, 1);
  }
  gws_presence_free(ch);
  gws_batch_free(ch);
  gw_history_deinit(&ch->history);
  gw_mem_free(ch->seats);
  HASH_DEL(h->by_name, ch);
  gw_slots_remove(&h->channels, ch->handle);
  gw_mem_free(ch);
}

/* ---- the stream ---------------------------------------------------------- */

bool gws_channel_is_ready(const gw_channel *ch) {
  return ch->state != GWS_CHANNEL_ATTACHING;
}

uint64_t gws_channel_oldest(gw_channel *ch) {
  gw_history_trim(&ch->history, ch->hub->now_ms);
  return ch->top - ch->history.len + 1;
}

void gws_channel_append(gw_channel *ch, gw_buf *buf, uint64_t expires_ms) {
  gw_record record = {buf, expires_ms};
  ch->top++;
  gw_history_trim(&ch->history, ch->hub->now_ms);
  if (gw_history_push(&ch->history, record, ch->ns->history_size) < 0)
    gws_hub_nomem(ch->hub);
}

/* ---- seats --------------------------------------------------------------- */

static bool resize_seats(gw_channel *ch, uint32_t cap) {
  gw_seat *seats = gw_mem_realloc(ch->seats, cap * sizeof *seats);
  if (seats == NULL) return false;
  ch->seats = seats;
  ch->cap_seats = cap;
  return true;
}

int gws_channel_sit(gw_channel *ch, gw_sub *sub) {
  if (ch->num_seats == ch->cap_seats &&
      !resize_seats(ch, ch->cap_seats == 0 ? 1 : ch->cap_seats * 2))
    return GW_ERR_NOMEM;
  sub->seat = ch->num_seats++;
  ch->seats[sub->seat] = (gw_seat){sub->session, sub};
  return 0;
}

static void swap_seats(gw_channel *ch, uint32_t a, uint32_t b) {
  gw_seat seat = ch->seats[a];
  ch->seats[a] = ch->seats[b];
  ch->seats[b] = seat;
  ch->seats[a].sub->seat = a;
  ch->seats[b].sub->seat = b;
}

void gws_channel_set_live(gw_channel *ch, gw_sub *sub, bool live) {
  if (live)
    swap_seats(ch, sub->seat, ch->num_live++);
  else
    swap_seats(ch, sub->seat, --ch->num_live);
}

void gws_channel_stand(gw_channel *ch, gw_sub *sub) {
  if (sub->seat < ch->num_live) gws_channel_set_live(ch, sub, false);
  swap_seats(ch, sub->seat, --ch->num_seats);
  ch->used_ms = ch->hub->now_ms;
  if (ch->cap_seats > SEATS_MIN && ch->num_seats < ch->cap_seats / 4)
    (void)resize_seats(ch, ch->cap_seats / 2);
}

/* ---- housekeeping -------------------------------------------------------- */

static bool is_in_use(const gw_channel *ch) {
  return ch->num_seats != 0 || ch->num_followers != 0 ||
         gws_presence_is_used(ch);
}

static uint64_t min_time(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

/** When there is something to drop; GW_NEVER. */
static uint64_t next_expiry(const gw_channel *ch) {
  uint64_t due = GW_NEVER;
  uint64_t record = gw_history_expires(&ch->history);
  uint64_t publisher = gw_dedup_oldest_ms(&ch->window);
  if (record != GW_NEVER) due = record;
  if (publisher != GW_NEVER)
    due = min_time(due, publisher + ch->hub->settings->dedup_window_ms);
  return due == GW_NEVER ? GW_NEVER : due + EXPIRY_SLACK_MS;
}

/** A stream that is remembered, or keys that may come again. */
static bool has_memory(const gw_channel *ch) {
  return ch->history.len != 0 || ch->window.num != 0;
}

static uint64_t next_visit(const gw_channel *ch) {
  if (ch->state == GWS_CHANNEL_OWNED) {
    if (has_memory(ch)) return next_expiry(ch);
    return is_in_use(ch) ? GW_NEVER : ch->used_ms + ch->ns->idle_ms;
  }
  uint64_t due = GW_NEVER;
  if (ch->num_seats == 0) due = ch->used_ms + LINGER_MS;
  if (ch->state == GWS_CHANNEL_ATTACHING)
    due = min_time(due, gws_follow_late_ms(ch));
  return due;
}

void gws_channel_touch(gw_channel *ch) {
  gw_hub *h = ch->hub;
  uint64_t due = next_visit(ch);
  if (due == GW_NEVER) return;
  if (due > h->now_ms + FAR_MS) due = h->now_ms + FAR_MS;
  /* An earlier visit does no harm: it comes here again. */
  if (gw_timer_is_set(&ch->timer) &&
      (int32_t)((uint32_t)due - ch->timer.due) >= 0)
    return;
  gw_wheel_set(&h->wheel, &ch->timer, due);
}

static void visit_owned(gw_channel *ch) {
  gw_hub *h = ch->hub;
  uint64_t window_ms = h->settings->dedup_window_ms;
  gw_history_trim(&ch->history, h->now_ms);
  if (h->now_ms > window_ms)
    gw_dedup_expire(&ch->window, h->now_ms - window_ms);
  bool is_over = h->now_ms >= ch->used_ms + ch->ns->idle_ms;
  if (is_over && !is_in_use(ch) && !has_memory(ch))
    gws_channel_free(ch);
  else
    gws_channel_touch(ch);
}

static void visit_followed(gw_channel *ch) {
  uint64_t now = ch->hub->now_ms;
  if (ch->state == GWS_CHANNEL_ATTACHING && now >= gws_follow_late_ms(ch))
    gws_follow_on_late(ch);
  if (ch->num_seats == 0 && now >= ch->used_ms + LINGER_MS) {
    if (gws_follow_detach(ch)) {
      gws_channel_free(ch);
      return;
    }
    ch->used_ms = now;
  }
  gws_channel_touch(ch);
}

void gws_channel_on_timer(gw_channel *ch) {
  if (ch->state == GWS_CHANNEL_OWNED)
    visit_owned(ch);
  else
    visit_followed(ch);
}
