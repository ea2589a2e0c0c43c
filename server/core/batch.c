/* SPDX-License-Identifier: MIT */
/* batch.c - gathers publications of a channel, and lets them go as one message. */
#include "server/core/batch.h"

#include <string.h>
#include <utlist.h>

#include "server/core/mem.h"
#include "server/core/session.h"

#define PARTS_MIN 8u
/** Places that an emptied batch keeps: a busy channel needs them at once. */
#define PARTS_KEEP 64u

/* ---- gathering ----------------------------------------------------------- */

static gw_batch *get_batch(gw_channel *ch) {
  gw_batch *b = ch->batch;
  if (b != NULL) return b;
  b = gw_mem_zalloc(sizeof *b);
  if (b == NULL) return NULL;
  b->channel = ch;
  b->timer.kind = GWS_TIMER_BATCH;
  ch->batch = b;
  return b;
}

static bool make_room(gw_batch *b) {
  if (b->num < b->cap) return true;
  uint32_t cap = b->cap == 0 ? PARTS_MIN : b->cap * 2;
  gw_buf **parts = gw_mem_realloc(b->parts, cap * sizeof(gw_buf *));
  if (parts == NULL) return false;
  b->parts = parts;
  b->cap = cap;
  return true;
}

static void begin(gw_batch *b, const gw_fanout *f) {
  gw_channel *ch = b->channel;
  b->first = f->first;
  b->quiet = f->quiet != NULL ? f->quiet->handle : 0;
  b->client = f->client;
  b->key = f->key;
  if (ch->ns->batch_delay_ms != 0) {
    gws_hub_set_timer(ch->hub, &b->timer, ch->ns->batch_delay_ms);
  } else if (!b->is_of_turn) {
    b->is_of_turn = true;
    DL_APPEND(ch->hub->turn_batches, b);
    b->turn_width = ch->num_live;
    ch->hub->turn_width += b->turn_width;
  }
}

static void leave_turn(gw_batch *b) {
  if (!b->is_of_turn) return;
  DL_DELETE(b->channel->hub->turn_batches, b);
  b->channel->hub->turn_width -= b->turn_width;
  b->is_of_turn = false;
}

/** False when out of memory. */
static bool gather(gw_channel *ch, const gw_fanout *f) {
  gw_batch *b = get_batch(ch);
  if (b == NULL || !make_room(b)) return false;
  if (b->num == 0) begin(b, f);
  b->parts[b->num++] = gw_buf_ref(f->buf);
  b->bytes += f->buf->len;
  return true;
}

/** Whether the batch would be larger than it may be with one more. */
static bool is_full(const gw_channel *ch, uint32_t more) {
  const gw_batch *b = ch->batch;
  uint32_t max = ch->ns->batch_bytes;
  return b != NULL && b->num != 0 && (b->bytes > max || more > max - b->bytes);
}

void gws_batch_put(gw_channel *ch, const gw_fanout *f) {
  if (ch->num_live == 0) return;
  if (is_full(ch, f->buf->len)) gws_batch_flush(ch);
  if (!gather(ch, f)) {
    gws_hub_nomem(ch->hub);
    gws_batch_flush(ch);
    gws_fanout_publication(ch, f);
  } else if (ch->batch->bytes >= ch->ns->batch_bytes) {
    gws_batch_flush(ch);
  }
}

/* ---- letting go ---------------------------------------------------------- */

/** As the publications would have gone out without a batch. */
static void send_each(gw_channel *ch, gw_buf *const *parts, gw_fanout f) {
  for (uint32_t num = f.num, i = 0; i < num; i++, f.first++) {
    f.buf = parts[i];
    f.num = 1;
    gws_fanout_publication(ch, &f);
  }
}

/** One message of several, one after the other. NULL when out of memory. */
static gw_buf *join(gw_buf *const *parts, uint32_t num, size_t bytes) {
  uint8_t *to;
  gw_buf *joined = gw_buf_make(bytes, false, &to);
  if (joined == NULL) return NULL;
  joined->pack_min = parts[0]->pack_min;
  for (uint32_t i = 0; i < num; i++) {
    gw_view part = gw_buf_payload(parts[i]);
    memcpy(to, part.data, part.len);
    to += part.len;
  }
  return joined;
}

/** With the flag of no echo in it the whole message does for its publishers,
 * too: as in a recovery, their clients do not deliver what is their own. */
static void send_together(gw_channel *ch, gw_buf *const *parts, size_t bytes,
                          gw_fanout f) {
  f.buf = join(parts, f.num, bytes);
  if (f.buf == NULL) {
    gws_hub_nomem(ch->hub);
    send_each(ch, parts, f);
    return;
  }
  gw_stat_add(&ch->hub->stats.batches_total, 1);
  gws_fanout_publication(ch, &f);
  gw_buf_unref(f.buf);
}

static void drop(gw_buf **parts, uint32_t num) {
  for (uint32_t i = 0; i < num; i++)
    gw_buf_unref(parts[i]);
}

void gws_batch_flush(gw_channel *ch) {
  gw_batch *b = ch->batch;
  if (b == NULL || b->num == 0) return;
  gw_fanout f = {.first = b->first, .num = b->num};
  uint32_t bytes = b->bytes;
  /* Empty from here on: who falls behind comes here again. */
  b->num = b->bytes = 0;
  gw_wheel_cancel(&ch->hub->wheel, &b->timer);
  if (f.num > 1) {
    send_together(ch, b->parts, bytes, f);
  } else {
    f.quiet = gws_session_get(ch->hub, b->quiet);
    f.client = b->client;
    f.key = b->key;
    send_each(ch, b->parts, f);
  }
  drop(b->parts, f.num);
  if (b->cap <= PARTS_KEEP) return;
  gw_mem_free(b->parts);
  b->parts = NULL;
  b->cap = 0;
}

void gws_batch_flush_all(gw_hub *h) {
  for (uint32_t i = 0; i < h->channels.num; i++) {
    gw_channel *ch = gw_slots_at(&h->channels, i);
    if (ch != NULL) gws_batch_flush(ch);
  }
}

void gws_batch_end_turn(gw_hub *h) {
  for (gw_batch *b; (b = h->turn_batches) != NULL;) {
    leave_turn(b);
    gws_batch_flush(b->channel);
  }
}

void gws_batch_on_timer(gw_batch *b) {
  gws_batch_flush(b->channel);
}

void gws_batch_free(gw_channel *ch) {
  gw_batch *b = ch->batch;
  if (b == NULL) return;
  gw_wheel_cancel(&ch->hub->wheel, &b->timer);
  leave_turn(b);
  drop(b->parts, b->num);
  gw_mem_free(b->parts);
  gw_mem_free(b);
  ch->batch = NULL;
}
