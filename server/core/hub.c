/* SPDX-License-Identifier: MIT */
/* hub.c - one worker: its life, time, mail and the safe point. */
#include "server/core/hub.h"

#include <assert.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/core/api_method.h"
#include "server/core/batch.h"
#include "server/core/calls.h"
#include "server/core/channel.h"
#include "server/core/conn_state.h"
#include "server/core/drain.h"
#include "server/core/filter.h"
#include "server/core/filtered.h"
#include "server/core/groups.h"
#include "server/core/hold.h"
#include "server/core/idle.h"
#include "server/core/mail.h"
#include "server/core/mem.h"
#include "server/core/meta.h"
#include "server/core/news.h"
#include "server/core/pattern.h"
#include "server/core/presence.h"
#include "server/core/quota.h"
#include "server/core/scope.h"
#include "server/core/session.h"

/** A fields text at most; what is longer is cut. */
#define LOG_FIELDS_MAX 512u

/* ---- life ---------------------------------------------------------------- */

static uint32_t low_water_of(const gw_settings *settings) {
  uint32_t cap = settings->limits.max_queue_bytes;
  return cap == 0 ? UINT32_MAX : cap / 2;
}

gw_hub *gw_hub_new(const gw_hub_options *options, const gw_hub_port *port,
                   void *user) {
  gw_hub *h = gw_mem_zalloc(sizeof *h);
  if (h == NULL) return NULL;
  h->port = *port;
  h->user = user;
  h->settings = options->settings;
  h->worker = options->worker;
  h->num_workers = options->num_workers;
  h->low_water = low_water_of(h->settings);
  memcpy(h->hash_key, options->hash_key, sizeof h->hash_key);
  for (size_t i = 0; i < h->settings->num_namespaces; i++)
    h->has_forms |= h->settings->namespaces[i].names != GW_TEXT_ANY;
  h->has_state = gw_settings_named(h->settings, GWS_STATE_SPACE) != NULL;
  h->news_space = gw_settings_named(h->settings, GWS_NEWS_SPACE);
  h->places = gws_hub_hash(h, "place", 5);
  gw_wheel_init(&h->wheel, 0);
  h->drain.timer.kind = GWS_TIMER_DRAIN;
  h->revocations.timer.kind = GWS_TIMER_REVOCATIONS;
  h->late_timer.kind = GWS_TIMER_GROUPS;
  h->forwarded = gw_mem_zalloc(h->num_workers * sizeof *h->forwarded);
  /* Got now, as both are needed to survive when nothing can be got later. */
  if (h->forwarded == NULL || gws_hub_scratch(h, GWS_SCRATCH_MIN) == NULL ||
      !gws_receipts_init(h) || gws_pattern_init(h) < 0 ||
      gw_refused_reserve(&h->refused) < 0) {
    gw_hub_free(h);
    return NULL;
  }
  return h;
}

/** As nothing more goes out, nobody can be cut for not taking it. */
static void free_batches(gw_hub *h) {
  for (uint32_t i = 0; i < h->channels.num; i++) {
    gw_channel *ch = gw_slots_at(&h->channels, i);
    if (ch != NULL) gws_batch_free(ch);
  }
}

static void free_sessions(gw_hub *h) {
  for (uint32_t i = 0; i < h->sessions.num; i++) {
    gw_session *s = gw_slots_at(&h->sessions, i);
    if (s != NULL) gws_session_free(s);
  }
}

static void free_channels(gw_hub *h) {
  for (uint32_t i = 0; i < h->channels.num; i++) {
    gw_channel *ch = gw_slots_at(&h->channels, i);
    if (ch != NULL) gws_channel_free(ch);
  }
}

void gw_hub_free(gw_hub *h) {
  if (h == NULL) return;
  /* Nothing is said to anybody from here on: see gws_mail_post. */
  memset(&h->port, 0, sizeof h->port);
  h->depth = 1;
  gws_calls_free(h);
  gws_api_free(h);
  free_batches(h);
  free_sessions(h);
  free_channels(h);
  gw_shelf_clear(&h->shelf);
  gws_pasts_deinit(h);
  gws_acts_deinit(h);
  gws_conn_free(h);
  gws_news_free(h);
  gw_slots_deinit(&h->sessions);
  gw_slots_deinit(&h->channels);
  gws_groups_free(h);
  gw_index_deinit(&h->clients);
  gw_index_deinit(&h->tokens);
  gws_revocations_deinit(h);
  gws_receipts_deinit(h);
  gws_quotas_free(h);
  gw_index_deinit(&h->users);
  gw_index_deinit(&h->by_name);
  gw_index_deinit(&h->followed);
  gws_filters_deinit(h);
  gws_names_deinit(h);
  gws_pattern_deinit(h);
  gw_index_deinit(&h->present);
  gw_refused_deinit(&h->refused);
  gw_mem_free(h->forwarded);
  gw_mem_free(h->scratch.data);
  gw_mem_free(h->delta_table);
  gw_mem_free(h->json_frame);
  gw_mem_free(h);
}

const gw_stats *gw_hub_stats(const gw_hub *h) {
  return &h->stats;
}

size_t gw_hub_num_sessions(const gw_hub *h) {
  return h->sessions.num_items;
}

void gw_hub_set_on_call(gw_hub *h, gw_on_call on_call, void *user) {
  h->on_call = on_call;
  h->on_call_user = user;
}

void gw_hub_set_on_channel(gw_hub *h, gw_on_channel on_channel, void *user) {
  h->on_channel = on_channel;
  h->on_channel_user = user;
}

void gw_hub_set_on_connection(gw_hub *h, gw_on_connection on_connection,
                              void *user) {
  h->on_connection = on_connection;
  h->on_connection_user = user;
}

void gw_hub_set_on_event(gw_hub *h, gw_on_event on_event, void *user) {
  h->on_event = on_event;
  h->on_event_user = user;
}

void gw_hub_tell_presence(gw_hub *h) {
  h->port.tells_presence = true;
}

void gw_hub_set_inspector(gw_hub *h, const gw_inspector *inspector,
                          void *user) {
  h->inspector = inspector;
  h->inspector_user = user;
}

/* ---- the safe point ------------------------------------------------------ */

void gws_hub_enter(gw_hub *h) {
  h->depth++;
}

/** What ends may end others, and be news: they join the lists. */
static void settle(gw_hub *h) {
  while (h->ending != NULL || h->news != NULL || h->orphans != NULL) {
    if (h->orphans != NULL) {
      gws_scope_settle(h);
      continue;
    }
    if (h->ending == NULL) {
      gws_news_flush(h);
      continue;
    }
    gw_session *s = h->ending;
    h->ending = s->u.next_ending;
    gws_session_detach(s);
  }
}

void gws_hub_leave(gw_hub *h) {
  if (h->depth == 1 &&
      (h->ending != NULL || h->news != NULL || h->orphans != NULL))
    settle(h);
  h->depth--;
}

/* ---- time ---------------------------------------------------------------- */

uint64_t gws_hub_clock(gw_hub *h) {
  if (h->port.clock != NULL)
    gw_hub_set_time(h, h->port.clock(h->user), h->wall_ms);
  return h->now_ms;
}

void gw_hub_set_time(gw_hub *h, uint64_t mono_ms, uint64_t wall_ms) {
  if (h->now_ms == 0) h->start_ms = mono_ms;
  if (mono_ms > h->now_ms) h->now_ms = mono_ms;
  h->wall_ms = wall_ms;
  /* With nothing due the wheel follows at once, so that what is set next is
   * near it. Otherwise the tick brings it here. */
  if (h->wheel.now < h->now_ms && gw_wheel_deadline(&h->wheel) > h->now_ms)
    h->wheel.now = h->now_ms;
}

uint64_t gw_hub_deadline(const gw_hub *h) {
  return gw_wheel_deadline(&h->wheel);
}

static void fire(void *user, gw_timer *t) {
  switch ((enum gws_timer_kind)t->kind) {
  case GWS_TIMER_SESSION:
    gws_liveness_on_timer(GWS_AROUND(t, gw_session, u.timer));
    break;
  case GWS_TIMER_CHANNEL:
    gws_channel_on_timer(GWS_AROUND(t, gw_channel, timer));
    break;
  case GWS_TIMER_BATCH:
    gws_batch_on_timer(GWS_AROUND(t, gw_batch, timer));
    break;
  case GWS_TIMER_FILTERED:
    gws_filtered_on_timer(GWS_AROUND(t, gw_filtered, timer));
    break;
  case GWS_TIMER_PRESENCE:
    gws_presence_on_timer(GWS_AROUND(t, struct gw_presence, timer));
    break;
  case GWS_TIMER_IDLE:
    gws_idle_on_timer(GWS_AROUND(t, gw_idle, timer));
    break;
  case GWS_TIMER_MEMBER:
    gws_presence_on_grace(GWS_AROUND(t, gw_member, grace));
    break;
  case GWS_TIMER_CALL:
    gws_calls_on_open_timer(GWS_AROUND(t, gw_call_open, timer));
    break;
  case GWS_TIMER_SENT_CALL:
    gws_calls_on_sent_timer(GWS_AROUND(t, gw_call_sent, timer));
    break;
  case GWS_TIMER_IDENTITY:
    gws_identity_on_timer(GWS_AROUND(t, gw_identity, timer));
    break;
  case GWS_TIMER_LEASE:
    gws_lease_on_timer(GWS_AROUND(t, gw_lease, timer));
    break;
  case GWS_TIMER_REVOCATIONS:
    gws_revocations_on_timer(GWS_AROUND(t, gw_hub, revocations.timer));
    break;
  case GWS_TIMER_GROUPS:
    gws_groups_on_timer(GWS_AROUND(t, gw_hub, late_timer));
    break;
  case GWS_TIMER_HOLD:
    gws_hold_on_timer(t);
    break;
  case GWS_TIMER_ABSENCE:
    gws_conn_on_timer(user, GWS_AROUND(t, gw_absence, timer));
    break;
  case GWS_TIMER_RESUME:
    gws_resume_on_timer(user, GWS_AROUND(t, gws_past, timer));
    break;
  case GWS_TIMER_QUOTA:
    gws_quota_on_timer(user, t);
    break;
  case GWS_TIMER_DRAIN:
    gws_drain_step(GWS_AROUND(t, gw_hub, drain.timer));
    break;
  }
}

void gw_hub_tick(gw_hub *h) {
  gws_hub_enter(h);
  gw_wheel_advance(&h->wheel, h->now_ms, fire, h);
  gws_hub_leave(h);
}

void gw_hub_end_turn(gw_hub *h) {
  if (h->turn_batches == NULL) return;
  gws_hub_enter(h);
  gws_batch_end_turn(h);
  gws_hub_leave(h);
}

size_t gw_hub_turn_width(const gw_hub *h) {
  return h->turn_width;
}

void gws_hub_set_timer(gw_hub *h, gw_timer *t, uint64_t delay_ms) {
  gw_wheel_set(&h->wheel, t, h->now_ms + delay_ms);
}

/* ---- mail ---------------------------------------------------------------- */

typedef void (*mail_handler)(gw_hub *h, gw_mail *m);

static const mail_handler mail_handlers[] = {
    [GWS_MAIL_ATTACH] = gws_follow_on_attach,
    [GWS_MAIL_STATE] = gws_follow_on_state,
    [GWS_MAIL_REFUSED] = gws_follow_on_refused,
    [GWS_MAIL_DETACH] = gws_follow_on_detach,
    [GWS_MAIL_RESET] = gws_follow_on_reset,
    [GWS_MAIL_SYNC] = gws_follow_on_sync,
    [GWS_MAIL_SYNCED] = gws_follow_on_synced,
    [GWS_MAIL_PUBLISH] = gws_command_on_publish,
    [GWS_MAIL_PUBLICATION] = gws_publish_follow,
    [GWS_MAIL_PRESENCE_SET] = gws_command_on_presence,
    [GWS_MAIL_PRESENCE_LEAVE] = gws_command_on_presence,
    [GWS_MAIL_PRESENCE_LOST] = gws_command_on_presence,
    [GWS_MAIL_PRESENCE_IDLE] = gws_command_on_presence,
    [GWS_MAIL_PRESENCE_ACTIVE] = gws_command_on_presence,
    [GWS_MAIL_PRESENCE_GET] = gws_command_on_presence_get,
    [GWS_MAIL_SNAPSHOT] = gws_command_on_snapshot,
    [GWS_MAIL_ROSTER] = gws_follow_on_roster,
    [GWS_MAIL_DONE] = gws_command_on_done,
    [GWS_MAIL_PATTERN] = gws_pattern_on_mail,
    [GWS_MAIL_PATTERN_NOTED] = gws_pattern_on_noted,
    [GWS_MAIL_PATTERN_END] = gws_pattern_on_end,
    [GWS_MAIL_MATCHED] = gws_pattern_on_matched,
    [GWS_MAIL_LOST] = gws_pattern_on_lost,
    [GWS_MAIL_META] = gws_meta_on_mail,
    [GWS_MAIL_ENDED] = gws_follow_on_ended,
    [GWS_MAIL_CONN_LOST] = gws_conn_on_lost,
    [GWS_MAIL_CONN_FOUND] = gws_conn_on_found,
    [GWS_MAIL_RESUME] = gws_resume_on_take,
    [GWS_MAIL_RESUMED] = gws_resume_on_taken,
    [GWS_MAIL_SCOPE_END] = gws_scope_on_end,
    [GWS_MAIL_CALL] = gws_calls_on_mail,
    [GWS_MAIL_CALL_DONE] = gws_calls_on_done,
    [GWS_MAIL_API] = gws_api_on_mail,
    [GWS_MAIL_API_DONE] = gws_api_on_done,
    [GWS_MAIL_REVOKE] = gws_revocation_on_mail,
    [GWS_MAIL_RECEIPT] = gws_receipts_on_mail,
    [GWS_MAIL_USER_JOIN] = gws_quota_on_join,
    [GWS_MAIL_USER_LEAVE] = gws_quota_on_leave,
    [GWS_MAIL_USER_SHARE] = gws_quota_on_share,
    [GWS_MAIL_USER_CLOSE] = gws_quota_on_close,
    [GWS_MAIL_GROUP] = gws_groups_on_mail,
};

void gw_hub_deliver(gw_hub *h, gw_mail *mail) {
  gws_hub_enter(h);
  mail_handlers[mail->kind](h, mail);
  gws_hub_leave(h);
}

/* ---- answers to questions ------------------------------------------------- */

void gw_hub_decide(gw_hub *h, uint64_t session, uint64_t ticket,
                   const gw_verdict *verdict) {
  gw_session *s = gw_slots_get(&h->sessions, session);
  if (s == NULL || s->state == GWS_SESSION_ENDING) return;
  gws_hub_enter(h);
  gws_hold_decide(s, ticket, verdict);
  gws_hub_leave(h);
}

/* ---- what every file needs ----------------------------------------------- */

uint64_t gws_hub_hash(const gw_hub *h, const void *data, size_t len) {
  _Static_assert(sizeof h->hash_key == crypto_shorthash_KEYBYTES, "");
  uint64_t hash;
  _Static_assert(sizeof hash == crypto_shorthash_BYTES, "");
  crypto_shorthash((unsigned char *)&hash, data, len, h->hash_key);
  return hash;
}

uint32_t gws_hub_id_hash(const gw_hub *h, uint64_t id) {
  return (uint32_t)gws_hub_hash(h, &id, sizeof id);
}

uint64_t gws_hub_random(gw_hub *h) {
  uint64_t number = h->port.random(h->user);
  return number != 0 ? number : 1;
}

gw_out *gws_hub_scratch(gw_hub *h, size_t room) {
  if (room > h->scratch.cap) {
    uint8_t *data = gw_mem_realloc(h->scratch.data, room);
    if (data == NULL) {
      gws_hub_nomem(h);
      return NULL;
    }
    h->scratch.data = data;
    h->scratch.cap = room;
  }
  h->scratch.len = 0;
  return &h->scratch;
}

size_t gws_hub_chunk_bytes(const gw_hub *h) {
  if (h->low_water == 0) return 1; /* one thing at a time */
  return h->low_water < GW_RECOVERY_CHUNK_BYTES ? h->low_water
                                                : GW_RECOVERY_CHUNK_BYTES;
}

void gws_hub_log(gw_hub *h, int level, const char *event, const char *fields,
                 ...) {
  char text[LOG_FIELDS_MAX];
  if (h->port.log == NULL) return;
  va_list args;
  va_start(args, fields);
  (void)vsnprintf(text, sizeof text, fields, args);
  va_end(args);
  h->port.log(h->user, level, event, text);
}

void gws_log_text(char *to, size_t cap, gw_view text) {
  size_t len = 0;
  for (; len < text.len && len + 1 < cap; len++) {
    uint8_t c = text.data[len];
    to[len] = c < 0x20 || c == 0x7f || c == '"' || c == '\\' ? '?' : (char)c;
  }
  to[len] = '\0';
}

void gws_hub_nomem(gw_hub *h) {
  gw_stat_add(&h->stats.out_of_memory_total, 1);
}

bool gws_hub_is_worker_busy(const gw_hub *h, uint32_t worker) {
  uint32_t max = h->settings->max_forwarded;
  return max != 0 && h->forwarded[worker] >= max;
}
