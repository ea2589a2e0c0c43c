/* SPDX-License-Identifier: MIT */
/* pattern.c - wildcards: who wants them, and what they are given. */
#include "server/core/pattern.h"

#include <string.h>

#include "server/core/batch.h"
#include "server/core/fanout.h"
#include "server/core/mem.h"
#include "server/core/session.h"

/** Beside the message: another head, the channel's name and epoch. */
#define MATCHED_OVERHEAD (GW_MAX_CHANNEL_BYTES + 64u)

/* ---- beginning and end ----------------------------------------------------- */

static gw_mail *new_mail(const gw_channel *ch, enum gws_mail_kind kind) {
  gw_mail *m = gws_mail_new(kind, ch->name_len);
  if (m == NULL) return NULL;
  m->name = gws_mail_keep(m, gws_channel_name(ch));
  m->hash = ch->hash;
  m->handle = ch->handle;
  return m;
}

static void free_pattern(gw_channel *ch) {
  gw_pattern *p = ch->pattern;
  for (uint32_t w = 0; w < ch->hub->num_workers; w++)
    gw_mail_free(p->ends[w]);
  gw_mem_free(p);
}

/** Mail for the beginning, and for the end, so that it cannot fail. */
static bool make_mail(gw_channel *ch, gw_mail **begins) {
  gw_hub *h = ch->hub;
  for (uint32_t w = 0; w < h->num_workers; w++) {
    if (w == h->worker) continue;
    begins[w] = new_mail(ch, GWS_MAIL_PATTERN);
    ch->pattern->ends[w] = new_mail(ch, GWS_MAIL_PATTERN_END);
    if (begins[w] == NULL || ch->pattern->ends[w] == NULL) return false;
  }
  return true;
}

static void post_all(gw_hub *h, gw_mail **mail) {
  for (uint32_t w = 0; w < h->num_workers; w++) {
    if (mail[w] != NULL) gws_mail_post(h, w, mail[w]);
    mail[w] = NULL;
  }
}

static gw_name_target target_of(const gw_channel *ch) {
  return (gw_name_target){ch->hub->worker, ch->handle};
}

/** Note it here, and get ready to tell the others. */
static bool prepare(gw_channel *ch, gw_mail **begins) {
  return make_mail(ch, begins) &&
         gws_names_add(ch->hub, ch->ns, gws_channel_name(ch), target_of(ch)) ==
             0;
}

uint32_t gws_pattern_begin(gw_channel *ch) {
  gw_hub *h = ch->hub;
  size_t size = h->num_workers * sizeof(gw_mail *);
  gw_mail **begins = gw_mem_zalloc(size);
  gw_pattern *p = ch->pattern = gw_mem_zalloc(sizeof *p + size);
  if (begins != NULL && p != NULL && prepare(ch, begins)) {
    p->num_missing = h->num_workers - 1;
    ch->epoch = gws_hub_random(h);
    ch->is_asked = true;
    ch->asked_ms = h->now_ms;
    ch->state =
        p->num_missing == 0 ? GWS_CHANNEL_ATTACHED : GWS_CHANNEL_ATTACHING;
    gw_stat_add(&h->stats.patterns, 1);
    post_all(h, begins);
    gw_mem_free(begins);
    return GW_CODE_OK;
  }
  for (uint32_t w = 0; begins != NULL && w < h->num_workers; w++)
    gw_mail_free(begins[w]);
  gw_mem_free(begins);
  if (p != NULL) free_pattern(ch);
  ch->pattern = NULL;
  return GW_CODE_INTERNAL;
}

void gws_pattern_end(gw_channel *ch) {
  gw_hub *h = ch->hub;
  gws_names_remove(h, ch->ns, gws_channel_name(ch), target_of(ch));
  post_all(h, ch->pattern->ends);
  gw_stat_sub(&h->stats.patterns, 1);
  free_pattern(ch);
  ch->pattern = NULL;
}

/* ---- at the other workers -------------------------------------------------- */

void gws_pattern_on_mail(gw_hub *h, gw_mail *m) {
  const gw_namespace *ns = gw_settings_namespace(h->settings, m->name);
  m->code = GW_CODE_OK;
  if (gws_names_add(h, ns, m->name, (gw_name_target){m->from, m->handle}) < 0) {
    gws_hub_nomem(h);
    m->code = GW_CODE_INTERNAL;
  }
  m->kind = GWS_MAIL_PATTERN_NOTED;
  gws_mail_post(h, m->from, m);
}

void gws_pattern_on_end(gw_hub *h, gw_mail *m) {
  const gw_namespace *ns = gw_settings_namespace(h->settings, m->name);
  gws_names_remove(h, ns, m->name, (gw_name_target){m->from, m->handle});
  gw_mail_free(m);
}

void gws_pattern_on_noted(gw_hub *h, gw_mail *m) {
  gw_channel *ch = gw_slots_get(&h->channels, m->handle);
  if (ch != NULL) {
    gw_pattern *p = ch->pattern;
    p->is_refused |= m->code != GW_CODE_OK;
    p->num_missing--;
    if (p->num_missing == 0 && p->is_refused)
      gws_follow_end(ch, GW_CODE_INTERNAL);
    else if (p->num_missing == 0)
      gws_follow_serve(ch);
  }
  gw_mail_free(m);
}

/* ---- publications ---------------------------------------------------------- */

/** The message as the pattern's subscribers get it; NULL when out of memory. */
static gw_buf *readdress(gw_channel *pattern, const gw_buf *buf, gw_view name,
                         uint64_t epoch) {
  gw_frame f;
  gw_publication more = {.channel = name, .epoch = epoch};
  gw_head head = {.type = GW_FRAME_PUBLICATION, .channel = pattern->number};
  if (gw_frame_parse(gw_buf_payload(buf), GW_MAX_FRAME_BYTES_HARD, &f) <= 0)
    return NULL;
  size_t room = f.body.len + MATCHED_OVERHEAD;
  gw_out *out = gws_hub_scratch(pattern->hub, 2 * room);
  if (out == NULL) return NULL;
  /* Fields may come in any order: the others of the body, and then these. */
  gw_out body = {out->data, f.body.len, room},
         frame = {out->data + room, 0, room};
  memcpy(body.data, f.body.data, f.body.len);
  if (gw_encode_publication(&body, NULL, &more) < 0 ||
      gw_frame_put(&frame, &head, (gw_view){body.data, body.len}) < 0)
    return NULL;
  gw_buf *b = gw_buf_new((gw_view){frame.data, frame.len}, false);
  if (b == NULL) return NULL;
  b->removed = buf->removed;
  b->pack_min = buf->pack_min;
  return b;
}

/** Subscribers miss some, and are told so when they read on. */
static void lose(gw_channel *pattern) {
  gws_hub_nomem(pattern->hub);
  if (!gws_follow_stop_live(pattern)) {
    gws_follow_end(pattern, GW_CODE_INTERNAL);
    return;
  }
  pattern->top++;
  gws_follow_sort(pattern);
}

static void give(gw_channel *pattern, const gw_buf *buf, gw_view name,
                 const gw_published_mail *pub) {
  if (pattern->num_live + pattern->num_choosy == 0) {
    pattern->top++; /* who is behind is told */
    return;
  }
  gw_buf *b = readdress(pattern, buf, name, pub->epoch);
  if (b == NULL) {
    lose(pattern);
    return;
  }
  b->offset = ++pattern->top;
  gw_fanout f = {.buf = b,
                 .first = b->offset,
                 .num = 1,
                 .client = pub->client,
                 .key = pub->key};
  gws_publish_fan_out(pattern, &f);
  gw_buf_unref(b);
}

void gws_pattern_on_matched(gw_hub *h, gw_mail *m) {
  gw_channel *pattern = gw_slots_get(&h->channels, m->handle);
  if (pattern != NULL) give(pattern, m->buf, m->name, &m->u.published);
  gw_mail_free(m);
}

/* ---- what mail cannot tell ------------------------------------------------- */

int gws_pattern_init(gw_hub *h) {
  bool has_any = false;
  for (size_t i = 0; i < h->settings->num_namespaces; i++)
    has_any |= h->settings->namespaces[i].wildcards;
  if (!has_any) return 0;
  h->losses = gw_mem_zalloc(h->num_workers * sizeof *h->losses);
  if (h->losses == NULL) return GW_ERR_NOMEM;
  for (uint32_t w = 0; w < h->num_workers; w++) {
    h->losses[w].ready = gws_mail_new(GWS_MAIL_LOST, 0);
    if (h->losses[w].ready == NULL) return GW_ERR_NOMEM;
  }
  return 0;
}

void gws_pattern_deinit(gw_hub *h) {
  for (uint32_t w = 0; h->losses != NULL && w < h->num_workers; w++)
    gw_mail_free(h->losses[w].ready);
  gw_mem_free(h->losses);
  h->losses = NULL;
}

/** Whether a worker knows of everything that it was not sent. */
static bool tell_loss(gw_hub *h, uint32_t worker) {
  struct gws_loss *loss = &h->losses[worker];
  if (loss->ready == NULL) loss->ready = gws_mail_new(GWS_MAIL_LOST, 0);
  if (!loss->is_due) return true;
  if (loss->ready == NULL) return false;
  gws_mail_post(h, worker, loss->ready);
  loss->ready = NULL;
  loss->is_due = false;
  return true;
}

void gws_pattern_on_lost(gw_hub *h, gw_mail *m) {
  for (uint32_t i = 0; i < h->channels.num; i++) {
    gw_channel *ch = gw_slots_at(&h->channels, i);
    if (ch != NULL && ch->pattern != NULL) lose(ch);
  }
  gw_mail_free(m);
}

/* ---- to all who want it ---------------------------------------------------- */

/** A publication on its way. */
typedef struct giving {
  gw_channel *ch;
  gw_buf *buf;
  const gw_published_mail *pub;
  gw_channel *here; /**< patterns of this worker, to be given it last */
} giving;

static void post(const giving *g, const gw_name_target *target) {
  gw_hub *h = g->ch->hub;
  if (!tell_loss(h, target->worker)) return;
  gw_mail *m = gws_mail_new(GWS_MAIL_MATCHED, g->ch->name_len);
  if (m == NULL) {
    gws_hub_nomem(h);
    h->losses[target->worker].is_due = true;
    (void)tell_loss(h, target->worker);
    return;
  }
  m->name = gws_mail_keep(m, gws_channel_name(g->ch));
  m->handle = target->handle;
  m->buf = gw_buf_ref(g->buf);
  m->u.published = *g->pub;
  gws_mail_post(h, target->worker, m);
}

static void visit(void *user, const gw_name_target *target) {
  giving *g = user;
  gw_hub *h = g->ch->hub;
  if (target->worker != h->worker) {
    post(g, target);
    return;
  }
  /* Not yet: the tree must not change while it is walked. */
  gw_channel *pattern = gw_slots_get(&h->channels, target->handle);
  pattern->pattern->next = g->here;
  g->here = pattern;
}

void gws_pattern_publication(gw_channel *ch, gw_buf *buf,
                             const gw_published_mail *pub) {
  giving g = {.ch = ch, .buf = buf, .pub = pub};
  gw_view name = gws_channel_name(ch);
  gws_names_match(ch->hub, ch->ns, name, visit, &g);
  for (gw_channel *next; g.here != NULL; g.here = next) {
    next = g.here->pattern->next;
    give(g.here, buf, name, pub);
  }
}
