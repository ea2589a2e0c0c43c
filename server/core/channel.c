/* SPDX-License-Identifier: MIT */
/* channel.c - channels of one worker: found by name, made and forgotten. */
#include "server/core/channel.h"

#include <assert.h>

#include "server/core/batch.h"
#include "server/core/filtered.h"
#include "server/core/json_text.h"
#include "server/core/mail.h"
#include "server/core/news.h"
#include "server/core/pattern.h"
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

/** Whether it is written in the one way that its namespace wants. */
static bool is_in_form(const gw_hub *h, gw_view name) {
  const gw_namespace *ns = gw_settings_namespace(h->settings, name);
  return ns->names != GW_TEXT_NFC || gws_text_is_nfc(name);
}

bool gws_channel_name_is_valid(const gw_hub *h, gw_view name) {
  uint32_t max = h->settings->limits.max_channel_bytes;
  if (max == 0 || max > GW_MAX_CHANNEL_BYTES) max = GW_MAX_CHANNEL_BYTES;
  if (name.len == 0 || name.len > max || !gw_view_is_text(name)) return false;
  for (size_t i = 0; i < name.len; i++) {
    if (name.data[i] < 0x20 || name.data[i] == 0x7F) return false;
  }
  return !h->has_forms || is_in_form(h, name);
}

gw_view gws_channel_name(const gw_channel *ch) {
  return (gw_view){ch->name, ch->name_len};
}

/** Its lines come from memory together, not as each is needed: one of a million
 * channels is in no cache. */
static void prefetch(const gw_channel *ch) {
  for (size_t at = 0; at < sizeof *ch; at += 64)
    __builtin_prefetch((const char *)ch + at);
}

gw_channel *gws_channel_find(const gw_hub *h, gw_view name, uint64_t hash) {
  gw_index_walk walk = {.hash = (uint32_t)hash};
  gw_channel *ch;
  while ((ch = gw_index_next(&h->by_name, &walk)) != NULL) {
    prefetch(ch);
    if (gw_view_eq(gws_channel_name(ch), name)) return ch;
  }
  return NULL;
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
  ch->history.mode = (uint8_t)ch->ns->history_mode;
  ch->history.shelf = &h->shelf;
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
  if (gw_index_add(&h->by_name, (uint32_t)hash, ch) < 0) {
    gw_slots_remove(&h->channels, ch->handle);
    gw_mem_free(ch);
    return NULL;
  }
  return ch;
}

/** Undo make. */
static void forget(gw_channel *ch) {
  gw_hub *h = ch->hub;
  gw_index_remove(&h->by_name, (uint32_t)ch->hash, ch);
  gw_slots_remove(&h->channels, ch->handle);
  gw_mem_free(ch);
}

static void begin_owned(gw_channel *ch) {
  gw_hub *h = ch->hub;
  ch->state = GWS_CHANNEL_OWNED;
  ch->epoch = gws_hub_random(h);
  ch->number = number_of(h, ch->handle);
  ch->made_ms = h->now_ms;
  h->num_owned++;
  gw_stat_add(&h->stats.channels, 1);
  gws_news(ch, GW_CHANNEL_CREATED, NULL);
}

static void begin_following(gw_channel *ch) {
  ch->state = GWS_CHANNEL_ATTACHING;
  gw_stat_add(&ch->hub->stats.channels_followed, 1);
  gws_follow_attach(ch);
}

/** Frees it when out of memory. */
static uint32_t begin_pattern(gw_channel *ch) {
  ch->number = number_of(ch->hub, ch->handle);
  uint32_t code = gws_pattern_begin(ch);
  if (code == GW_CODE_OK) return code;
  gws_hub_nomem(ch->hub);
  forget(ch);
  return code;
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
  if (gw_name_is_pattern(ch->ns, name)) {
    *code = begin_pattern(ch);
    if (*code != GW_CODE_OK) return NULL;
  } else if (is_owned) {
    begin_owned(ch);
  } else {
    begin_following(ch);
  }
  /* Whoever made it is about to use it; if nothing comes of that it goes. */
  gws_channel_touch(ch);
  return ch;
}

void gws_channel_free(gw_channel *ch) {
  gw_hub *h = ch->hub;
  assert(ch->num_seats == 0);
  gw_wheel_cancel(&h->wheel, &ch->timer);
  if (ch->pattern != NULL) {
    gws_pattern_end(ch);
  } else if (ch->state == GWS_CHANNEL_OWNED) {
    gws_news(ch, GW_CHANNEL_DESTROYED, NULL);
    h->num_owned--;
    gw_stat_sub(&h->stats.channels, 1);
    gws_follow_deinit(ch);
    gw_dedup_deinit(&ch->window);
    gw_expiry_deinit(&ch->expiry);
  } else {
    (void)!gws_channel_set_number(ch, 0);
    gw_stat_sub(&h->stats.channels_followed, 1);
  }
  gws_presence_free(ch);
  gws_batch_free(ch);
  gws_filtered_free(ch);
  gw_history_deinit(&ch->history);
  gw_buf_unref(ch->meta);
  gw_mem_free(ch->seats);
  forget(ch);
}

/* ---- the stream ---------------------------------------------------------- */

bool gws_channel_is_pattern(const gw_channel *ch) {
  return ch->pattern != NULL;
}

bool gws_channel_is_ready(const gw_channel *ch) {
  return ch->state != GWS_CHANNEL_ATTACHING;
}

uint64_t gws_channel_oldest(gw_channel *ch) {
  gw_history_trim(&ch->history, ch->hub->now_ms);
  uint64_t first = gw_history_first(&ch->history);
  return first != 0 ? first : ch->top + 1;
}

enum gw_lane_id gws_channel_lane(const gw_channel *ch) {
  return gw_lane_of(ch->ns->priority);
}

gw_history_max gws_channel_max(const gw_channel *ch) {
  bool is_latest = ch->ns->history_mode == GW_HISTORY_LATEST;
  return (gw_history_max){is_latest ? 1 : ch->ns->history_size,
                          ch->ns->history_bytes};
}

int gws_channel_append(gw_channel *ch, gw_buf *buf, uint64_t expires_ms) {
  gw_record record = {.buf = buf, .expires_ms = expires_ms};
  gw_history_max max = gws_channel_max(ch);
  gw_history_trim(&ch->history, ch->hub->now_ms);
  int err = gw_history_push(&ch->history, record, &max);
  if (err < 0) gws_hub_nomem(ch->hub);
  if (err < 0 && ch->history.mode == GW_HISTORY_MAP) return err;
  ch->top++;
  return 0;
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

static enum gws_rank rank_of(const gw_channel *ch, const gw_sub *sub) {
  if (sub->seat < ch->num_live) return GWS_RANK_LIVE;
  return sub->seat < ch->num_live + ch->num_choosy ? GWS_RANK_CHOOSY
                                                   : GWS_RANK_APART;
}

/** The same where nobody is choosy. */
static void rank_plain(gw_channel *ch, gw_sub *sub, bool is_live) {
  if (is_live == (sub->seat < ch->num_live)) return;
  if (is_live)
    swap_seats(ch, sub->seat, ch->num_live++);
  else
    swap_seats(ch, sub->seat, --ch->num_live);
}

/** Over one border at a time: the seat at the border changes sides. */
void gws_channel_rank(gw_channel *ch, gw_sub *sub, enum gws_rank rank) {
  if (ch->num_choosy == 0 && rank != GWS_RANK_CHOOSY) {
    rank_plain(ch, sub, rank == GWS_RANK_LIVE);
    return;
  }
  for (enum gws_rank now; (now = rank_of(ch, sub)) != rank;) {
    uint32_t end = ch->num_live + ch->num_choosy;
    if (now == GWS_RANK_APART) {
      swap_seats(ch, sub->seat, end);
      ch->num_choosy++;
    } else if (now == GWS_RANK_LIVE) {
      swap_seats(ch, sub->seat, --ch->num_live);
      ch->num_choosy++;
    } else if (rank == GWS_RANK_APART) {
      swap_seats(ch, sub->seat, end - 1);
      ch->num_choosy--;
    } else {
      swap_seats(ch, sub->seat, ch->num_live++);
      ch->num_choosy--;
    }
  }
}

void gws_channel_stand(gw_channel *ch, gw_sub *sub) {
  gws_channel_rank(ch, sub, GWS_RANK_APART);
  swap_seats(ch, sub->seat, --ch->num_seats);
  if (ch->num_choosy == 0) gws_filtered_forget(ch);
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
  if (due != GW_NEVER) due += EXPIRY_SLACK_MS;
  /* The end of an item is told, so it is not late. */
  const gw_expiry_entry *item = gw_expiry_first(&ch->expiry);
  return item != NULL ? min_time(due, item->due_ms) : due;
}

/** A stream that is remembered, or keys that may come again. */
static bool has_memory(const gw_channel *ch) {
  return gw_history_num(&ch->history) != 0 || ch->window.num != 0;
}

/** When the owner's time with it is over; GW_NEVER. */
static uint64_t end_of(const gw_channel *ch) {
  const gw_namespace *ns = ch->ns;
  uint64_t end =
      ns->lifetime_ms != 0 ? ch->made_ms + ns->lifetime_ms : GW_NEVER;
  bool is_kept = has_memory(ch) && !ns->ends_with_last;
  if (is_kept || is_in_use(ch)) return end;
  return min_time(end, ch->used_ms + ns->idle_ms);
}

/** How long a follower keeps what nobody wants. */
static uint64_t linger_ms(const gw_channel *ch) {
  bool is_short = ch->ns->ends_with_last && ch->ns->idle_ms < LINGER_MS;
  return is_short ? ch->ns->idle_ms : LINGER_MS;
}

static uint64_t next_visit(const gw_channel *ch) {
  if (ch->state == GWS_CHANNEL_OWNED) {
    uint64_t expiry = has_memory(ch) ? next_expiry(ch) : GW_NEVER;
    /* The most usual case. */
    bool is_kept = expiry != GW_NEVER && !ch->ns->ends_with_last;
    if (is_kept && ch->ns->lifetime_ms == 0) return expiry;
    return min_time(end_of(ch), expiry);
  }
  uint64_t due = GW_NEVER;
  if (ch->num_seats == 0) due = ch->used_ms + linger_ms(ch);
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

void gws_channel_end(gw_channel *ch) {
  gws_batch_flush(ch);
  while (ch->num_seats != 0)
    gws_sub_end(ch->seats[ch->num_seats - 1].sub, GW_CODE_CHANNEL_ENDED, NULL,
                GWS_FAREWELL_LEFT);
  gws_follow_send_ended(ch);
  gws_channel_free(ch);
}

static void visit_owned(gw_channel *ch) {
  gw_hub *h = ch->hub;
  uint64_t window_ms = h->settings->dedup_window_ms;
  gw_history_trim(&ch->history, h->now_ms);
  gws_publish_expired(ch);
  if (h->now_ms > window_ms)
    gw_dedup_expire(&ch->window, h->now_ms - window_ms);
  if (h->now_ms >= end_of(ch))
    gws_channel_end(ch);
  else
    gws_channel_touch(ch);
}

static void visit_followed(gw_channel *ch) {
  uint64_t now = ch->hub->now_ms;
  if (ch->state == GWS_CHANNEL_ATTACHING && now >= gws_follow_late_ms(ch))
    gws_follow_on_late(ch);
  if (ch->num_seats == 0 && now >= ch->used_ms + linger_ms(ch)) {
    if (ch->pattern != NULL || gws_follow_detach(ch)) {
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
