/* SPDX-License-Identifier: MIT */
/* streams.c - whether each publication of a channel follows the last, or a gap
 * says why not. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/replay/watch_state.h"

/** A name in a sentence. */
#define NAME(s)     (int)((s)->name.len), (const char *)(s)->name.data
#define OFFSET      "%" PRIu64
#define FROM_BEFORE "(subscribed before the recording)"

/* ---- tables ---------------------------------------------------------------- */

static gw__stream *by_number(gw__conn *c, uint32_t number) {
  gw__stream *s;
  HASH_FIND(by_number, c->numbers, &number, sizeof number, s);
  return s;
}

gw__stream *gw__stream_of(gw__conn *c, const gw_head *head) {
  gw__stream *s;
  uint32_t id = head->channel;
  if (id == 0) return NULL;
  if ((head->flags & GW_FLAG_ALIAS) == 0) return by_number(c, id);
  HASH_FIND(by_alias, c->aliases, &id, sizeof id, s);
  return s;
}

static void set_name(gw_watch *w, gw__stream *s, gw_view name) {
  char *text = gw__watch_alloc(w, name.len + 1);
  if (text == NULL) return;
  if (name.len > 0) memcpy(text, name.data, name.len);
  free((void *)s->name.data);
  s->name = (gw_view){(uint8_t *)text, name.len};
}

static gw__stream *new_stream(gw_watch *w, gw__conn *c, gw_view name) {
  gw__stream *s = gw__watch_alloc(w, sizeof *s);
  if (s == NULL) return NULL;
  set_name(w, s, name);
  s->next = c->streams;
  c->streams = s;
  return s;
}

/** From now on pushes with that number are for this stream. */
static void set_number(gw__conn *c, gw__stream *s, uint32_t number) {
  gw__stream *before = by_number(c, number);
  if (before == s) return;
  if (before != NULL) {
    HASH_DELETE(by_number, c->numbers, before);
    before->state = GW__STREAM_ENDED; /* this one took its place */
  }
  /* A broken server may have given it any number, 0 too. */
  if (by_number(c, s->number) == s) HASH_DELETE(by_number, c->numbers, s);
  s->number = number;
  HASH_ADD(by_number, c->numbers, number, sizeof s->number, s);
}

void gw__streams_free(gw__conn *c) {
  HASH_CLEAR(by_alias, c->aliases);
  HASH_CLEAR(by_number, c->numbers);
  while (c->streams != NULL) {
    gw__stream *next = c->streams->next;
    free((void *)c->streams->name.data);
    free(c->streams);
    c->streams = next;
  }
}

/* ---- from connection to connection ------------------------------------------ */

static gw__known *find_known(const gw_watch *w, gw_view name) {
  gw__known *k;
  HASH_FIND(hh, w->known, name.data, (unsigned)name.len, k);
  return k;
}

static gw__known *known_of(gw_watch *w, gw_view name) {
  gw__known *k = find_known(w, name);
  if (k != NULL) return k;
  k = gw__watch_alloc(w, sizeof *k + name.len + 1);
  if (k == NULL) return NULL;
  memcpy(k->name, name.data, name.len);
  HASH_ADD_KEYPTR(hh, w->known, k->name, (unsigned)name.len, k);
  return k;
}

static void forget(gw_watch *w, const gw__stream *s) {
  gw__known *k = s->name.len > 0 ? find_known(w, s->name) : NULL;
  if (k != NULL) k->is_wanted = false;
}

void gw__streams_leave(gw_watch *w, gw__conn *c) {
  for (gw__stream *s = c->streams; s != NULL; s = s->next) {
    bool is_up =
        s->state == GW__STREAM_LIVE || s->state == GW__STREAM_RECOVERING;
    if (s->name.len == 0 || !is_up || s->is_wildcard) continue;
    gw__known *k = known_of(w, s->name);
    if (k == NULL) return;
    k->at = s->at;
    k->is_wanted = true;
  }
}

/** The client has to go on where it was, or it misses something or gets it
 * twice. */
static void check_since(gw_watch *w, const gw__stream *s) {
  const gw__known *k = find_known(w, s->name);
  if (k == NULL || !k->is_wanted || !s->asked_to_recover) return;
  if (k->at.epoch == s->since.epoch && k->at.offset == s->since.offset) return;
  gw__violate(w, GW__SECTION_CHANNELS,
              "%.*s: the client was at offset " OFFSET " of epoch %016" PRIx64
              ", and asks for what follows " OFFSET " of %016" PRIx64,
              NAME(s), k->at.offset, k->at.epoch, s->since.offset,
              s->since.epoch);
}

/* ---- what the client says --------------------------------------------------- */

static void on_subscribe(gw_watch *w, gw__conn *c, const gw_frame *frame,
                         gw__request *request) {
  gw_subscribe m;
  if (gw_decode_subscribe(frame->body, &m) < 0) return;
  gw__stream *s = gw__stream_of(c, &frame->head);
  bool is_new = s == NULL;
  if (is_new) {
    s = new_stream(w, c, m.channel);
    if (s == NULL) return;
    s->alias = frame->head.channel;
    HASH_ADD(by_alias, c->aliases, alias, sizeof s->alias, s);
  } else if (!gw_view_eq(s->name, m.channel)) {
    set_name(w, s, m.channel);
    s->at = (gw__place){0, 0};
  }
  s->asked_to_recover = m.recover;
  s->since = (gw__place){m.epoch, m.offset};
  if (is_new) check_since(w, s);
  forget(w, s);
  if (s->state >= GW__STREAM_LEAVING) s->state = GW__STREAM_ASKED;
  if (request != NULL) request->stream = s;
}

void gw__stream_out(gw_watch *w, gw__conn *c, const gw_frame *frame,
                    gw__request *request) {
  gw__stream *s;
  gw_publish m;
  switch (frame->head.type) {
  case GW_FRAME_SUBSCRIBE:
    on_subscribe(w, c, frame, request);
    break;
  case GW_FRAME_UNSUBSCRIBE:
    s = gw__stream_of(c, &frame->head);
    if (s == NULL) break;
    s->state = GW__STREAM_LEAVING;
    forget(w, s);
    break;
  case GW_FRAME_PUBLISH:
    if (request == NULL || gw_decode_publish(frame->body, &m) < 0) break;
    request->key = m.key;
    request->stream = gw__stream_of(c, &frame->head);
    break;
  default:
    break;
  }
}

/* ---- how a subscription begins ---------------------------------------------- */

static void check_gap(gw_watch *w, const gw__stream *s,
                      const gw_subscribed *m) {
  bool is_other = m->epoch != s->since.epoch;
  if (m->gap == GW_GAP_NONE) {
    gw__violate(w, GW__SECTION_CHANNELS, "%.*s: a gap does not say why",
                NAME(s));
  } else if (s->since.epoch != 0 && is_other && !m->wildcard &&
             m->result == GW_RECOVERY_GAP && m->gap != GW_GAP_EPOCH_CHANGED) {
    gw__violate(w, GW__SECTION_CHANNELS,
                "%.*s: the epoch is another one, and the gap does not say so",
                NAME(s));
  } else if (!is_other && m->result == GW_RECOVERY_GAP && m->gap_to != 0 &&
             (m->gap_from > s->since.offset + 1 || m->offset > m->gap_to)) {
    gw__violate(w, GW__SECTION_CHANNELS,
                "%.*s: more is missing after " OFFSET " than the gap of " OFFSET
                " to " OFFSET,
                NAME(s), s->since.offset, m->gap_from, m->gap_to);
  }
}

/** What is not a gap goes on where the client was. */
static void check_answer(gw_watch *w, const gw__stream *s,
                         const gw_subscribed *m) {
  if (m->epoch == 0) {
    gw__violate(w, GW__SECTION_CHANNELS, "%.*s: the epoch is 0", NAME(s));
  } else if (m->result >= GW_RECOVERY_GAP) {
    check_gap(w, s, m);
  } else if (!s->asked_to_recover || s->since.epoch == 0) {
    /* From now, or from the oldest that is kept. */
  } else if (m->epoch != s->since.epoch) {
    gw__violate(w, GW__SECTION_CHANNELS,
                "%.*s: the epoch changes from %016" PRIx64 " to %016" PRIx64
                ", and no gap tells it",
                NAME(s), s->since.epoch, m->epoch);
  } else if (m->offset != s->since.offset) {
    gw__violate(w, GW__SECTION_CHANNELS,
                "%.*s: goes on after offset " OFFSET ", and not after " OFFSET,
                NAME(s), m->offset, s->since.offset);
  }
}

static void on_subscribed(gw_watch *w, gw__conn *c, const gw_frame *frame,
                          gw__request *request) {
  gw_subscribed m;
  gw__stream *s = request != NULL ? request->stream : NULL;
  if (gw_decode_subscribed(frame->body, &m) < 0) return;
  if (s == NULL) {
    if (!c->is_cut) return;
    s = new_stream(w, c, (gw_view){NULL, 0});
    if (s == NULL) return;
  } else {
    check_answer(w, s, &m);
  }
  set_number(c, s, frame->head.channel);
  s->is_wildcard = m.wildcard;
  s->at = (gw__place){m.epoch, m.offset};
  s->placed_line = w->line->number;
  s->base = 0;
  if (s->state != GW__STREAM_LEAVING)
    s->state = m.live ? GW__STREAM_LIVE : GW__STREAM_RECOVERING;
}

static void on_server_subscribed(gw_watch *w, gw__conn *c,
                                 const gw_frame *frame) {
  gw_server_subscribed m;
  if (gw_decode_server_subscribed(frame->body, &m) < 0) return;
  gw__stream *s = gw__stream_of(c, &frame->head);
  if (s != NULL && s->state < GW__STREAM_LEAVING) return; /* nothing new */
  s = new_stream(w, c, m.channel);
  if (s == NULL) return;
  set_number(c, s, frame->head.channel);
  s->at = (gw__place){m.epoch, m.offset};
  s->placed_line = w->line->number;
  s->state = GW__STREAM_LIVE;
}

/* ---- what is published ------------------------------------------------------ */

static void settle(gw_watch *w, const gw__conn *c, const gw__stream *s,
                   uint64_t key, gw__place at) {
  gw__sent *sent;
  HASH_FIND(hh, w->sent, &key, sizeof key, sent);
  if (sent == NULL) {
    sent = gw__watch_alloc(w, sizeof *sent);
    if (sent == NULL) return;
    sent->key = key;
    HASH_ADD(hh, w->sent, key, sizeof sent->key, sent);
  } else if (sent->at.epoch == at.epoch ? sent->at.offset != at.offset
                                        : s != NULL && sent->n == c->n &&
                                              s->placed_line < sent->line) {
    gw__violate(w, GW__SECTION_CHANNELS,
                "the publication with the key " OFFSET " is at " OFFSET
                " of %016" PRIx64 ", and was at " OFFSET " of %016" PRIx64
                " in line %u",
                key, at.offset, at.epoch, sent->at.offset, sent->at.epoch,
                sent->line);
  }
  sent->at = at;
  sent->n = c->n;
  sent->line = w->line->number;
}

static void on_published(gw_watch *w, gw__conn *c, const gw_frame *frame,
                         const gw__request *request) {
  gw_published m;
  if (request == NULL || request->key == 0) return;
  if (gw_decode_published(frame->body, &m) < 0) return;
  settle(w, c, request->stream, request->key, (gw__place){m.epoch, m.offset});
}

static void check_offset(gw_watch *w, const gw__stream *s, uint64_t offset) {
  uint64_t next = s->at.offset + 1;
  if (offset == next) return;
  if (offset < next)
    gw__violate(w, GW__SECTION_CHANNELS,
                "%.*s: offset " OFFSET " comes again, after " OFFSET, NAME(s),
                offset, s->at.offset);
  else
    gw__violate(w, GW__SECTION_CHANNELS,
                "%.*s: offsets " OFFSET " to " OFFSET
                " are missing, and no gap tells why",
                NAME(s), next, offset - 1);
}

static void check_delta(gw_watch *w, const gw__stream *s,
                        const gw_publication *m) {
  if (m->delta.len == 0 || m->delta_base == s->base) return;
  gw__violate(w, GW__SECTION_CHANNELS,
              "%.*s: offset " OFFSET " is a change to " OFFSET
              ", which is not the publication before it",
              NAME(s), m->offset, m->delta_base);
}

static void on_publication(gw_watch *w, gw__conn *c, gw__stream *s,
                           const gw_frame *frame) {
  gw_publication m;
  if (gw_decode_publication(frame->body, &m) < 0) return;
  gw__place at = {s->is_wildcard ? m.epoch : s->at.epoch, m.offset};
  if (!s->is_wildcard) {
    if (s->at.epoch != 0 || s->at.offset != 0) check_offset(w, s, m.offset);
    if (!c->is_cut) check_delta(w, s, &m);
    if (m.offset > s->at.offset) s->at.offset = m.offset;
  }
  bool is_own_mark = (frame->head.flags & GW_FLAG_OWN) != 0;
  s->base = s->state == GW__STREAM_LIVE && !is_own_mark ? m.offset : 0;
  if (m.client != 0 && m.client == w->client && m.key != 0 && at.epoch != 0)
    settle(w, c, s, m.key, at);
}

static void on_lagged(gw_watch *w, gw__stream *s, const gw_frame *frame) {
  gw_lagged m;
  if (gw_decode_lagged(frame->body, &m) < 0 || s->is_wildcard) return;
  s->base = 0;
  if (m.to <= s->at.offset) return;
  if (m.from > s->at.offset + 1)
    gw__violate(w, GW__SECTION_SLOW_READERS,
                "%.*s: Lagged begins at " OFFSET ", and offset " OFFSET
                " did not come",
                NAME(s), m.from, s->at.offset + 1);
  s->at.offset = m.to;
}

static void on_recovery(gw_watch *w, gw__stream *s, const gw_frame *frame) {
  gw_recovery m;
  if (gw_decode_recovery(frame->body, &m) < 0) return;
  uint64_t at = s->at.offset;
  bool is_gap = m.gap != GW_GAP_NONE && m.gap_to > at;
  if (!s->is_wildcard && m.from <= m.to && m.to > at) {
    gw__violate(w, GW__SECTION_CHANNELS,
                "%.*s: a chunk of the recovery reaches to " OFFSET
                ", and offset " OFFSET " did not come",
                NAME(s), m.to, at + 1);
    s->at.offset = m.to;
  } else if (is_gap && m.gap_from > at + 1) {
    gw__violate(w, GW__SECTION_CHANNELS,
                "%.*s: a gap begins at " OFFSET ", and offset " OFFSET
                " did not come",
                NAME(s), m.gap_from, at + 1);
  }
  if (is_gap) s->at.offset = m.gap_to;
  if (m.live && s->state == GW__STREAM_RECOVERING) s->state = GW__STREAM_LIVE;
  s->base = 0;
}

/* ---- pushes ----------------------------------------------------------------- */

static bool is_push(uint8_t type) {
  return type == GW_FRAME_PUBLICATION || type == GW_FRAME_RECOVERY ||
         type == GW_FRAME_LAGGED || type == GW_FRAME_UNSUBSCRIBED ||
         type == GW_FRAME_CHANNEL_META || type == GW_FRAME_PRESENCE_DIFF ||
         type == GW_FRAME_PRESENCE_SNAPSHOT;
}

/** A recording that begins later does not tell what was before. */
static gw__stream *stream_from_before(gw_watch *w, gw__conn *c,
                                      uint32_t number) {
  gw__stream *s = new_stream(w, c, gw_view_of(FROM_BEFORE));
  if (s == NULL) return NULL;
  set_number(c, s, number);
  s->state = GW__STREAM_LIVE;
  return s;
}

static void on_push(gw_watch *w, gw__conn *c, const gw_frame *frame) {
  gw__stream *s = gw__stream_of(c, &frame->head);
  if (s == NULL && c->is_cut) s = stream_from_before(w, c, frame->head.channel);
  if (s == NULL || s->state == GW__STREAM_ENDED) {
    if (w->is_out_of_memory) return;
    gw__violate(w, GW__SECTION_CHANNELS,
                "%s for the channel %u, which is not subscribed to",
                gw_type_name(frame->head.type), frame->head.channel);
    return;
  }
  switch (frame->head.type) {
  case GW_FRAME_PUBLICATION:
    on_publication(w, c, s, frame);
    break;
  case GW_FRAME_RECOVERY:
    on_recovery(w, s, frame);
    break;
  case GW_FRAME_LAGGED:
    on_lagged(w, s, frame);
    break;
  case GW_FRAME_UNSUBSCRIBED:
    s->state = GW__STREAM_ENDED;
    break;
  default:
    break;
  }
}

void gw__stream_in(gw_watch *w, gw__conn *c, const gw_frame *frame,
                   gw__request *request) {
  switch (frame->head.type) {
  case GW_FRAME_SUBSCRIBED:
    on_subscribed(w, c, frame, request);
    break;
  case GW_FRAME_SERVER_SUBSCRIBED:
    on_server_subscribed(w, c, frame);
    break;
  case GW_FRAME_PUBLISHED:
    on_published(w, c, frame, request);
    break;
  case GW_FRAME_ERROR:
    if (request != NULL && request->type == GW_FRAME_SUBSCRIBE &&
        request->stream != NULL)
      request->stream->state = GW__STREAM_ENDED;
    break;
  case GW_FRAME_UNSUBSCRIBED:
    on_push(w, c, frame); /* or an answer, which ends it as well */
    break;
  default:
    if (is_push(frame->head.type) && frame->head.request == 0)
      on_push(w, c, frame);
    break;
  }
}
