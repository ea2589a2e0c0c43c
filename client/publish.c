/* SPDX-License-Identifier: MIT */
/* publish.c - publications on their way: into the outbox, out in order, again
 * when in doubt, settled once. */
#include "client/internal.h"
#include "proto/guard.h"

/** What a Publish takes beside its texts: tags, lengths and numbers. */
#define PUBLISH_OVERHEAD 80u

/* ---- in ------------------------------------------------------------------ */

static bool is_closed(const gw_client *c) {
  if (c->connect_asked) return false;
  return c->close_asked || c->state == GW_STATE_CLOSED ||
         c->state == GW_STATE_FAILED;
}

static int check_publish(const gw_client *c, gw_view channel,
                         gw_payload payload, const gw_publish_options *o) {
  int err = gw__check_channel(c, channel);
  if (err == 0) err = gw__check_payload(payload);
  if (err < 0) return err;
  if (o->item.len > GW_MAX_ITEM_BYTES || o->tags.num > GW_MAX_TAGS ||
      o->meta.len > GW_MAX_CHANNEL_META_BYTES)
    return GW_ERR_TOO_BIG;
  if (!gw_view_is_text(o->item) || !gw_view_is_text(o->meta))
    return GW_ERR_TEXT;
  if (is_closed(c) || (o->at_most_once && !gw__is_welcome(c)))
    return GW_ERR_STATE;
  size_t len = channel.len + payload.bytes.len + o->item.len + o->meta.len +
               gw_list_bytes(o->tags) + PUBLISH_OVERHEAD;
  if (!gw__fits_frame(c, len)) return GW_ERR_TOO_BIG;
  return gw__outbox_has_room(&c->outbox, (uint32_t)len) ? 0 : GW_ERR_FULL;
}

/* In an entry's bytes the field `after` holds its turn: what it follows on the
 * wire is known only when it is sent. */

/** An entry for a message; views of the entry's m are into its own bytes. */
static gw__entry *new_entry(gw_client *c, const gw_publish *m) {
  size_t cap = m->channel.len + m->data.len + m->json.len + m->item.len +
               m->meta.len + gw_list_bytes(m->tags) + PUBLISH_OVERHEAD;
  gw__entry *e = gw__outbox_alloc(&c->alloc, (uint32_t)cap);
  if (e == NULL) return NULL;
  gw_out out = {e->bytes, 0, cap};
  if (gw_encode_publish(&out, NULL, m) < 0 ||
      gw_decode_publish((gw_view){e->bytes, out.len}, &e->m) < 0) {
    gw__free(c, e);
    return NULL;
  }
  e->len = (uint32_t)out.len;
  e->turn = m->after;
  e->created_ms = c->now;
  return e;
}

static int add_entry(gw_client *c, gw__entry *e) {
  int err = gw__events_promise(c, 1);
  if (err < 0) return err;
  err = gw__outbox_add(&c->outbox, &c->alloc, e);
  if (err < 0) gw__events_release(c, 1);
  return err;
}

int gw_client_publish(gw_client *c, gw_view channel, gw_payload payload,
                      const gw_publish_options *options, uint64_t *key) {
  static const gw_publish_options none;
  const gw_publish_options *o = options != NULL ? options : &none;
  int err = check_publish(c, channel, payload, o);
  if (err < 0) return err;
  if (!c->inside) c->now = c->port.now(c->user);
  uint64_t number = c->last_key + 1;
  gw_publish m = {.channel = channel,
                  .key = o->at_most_once ? 0 : number,
                  .after = gw__outbox_turn(&c->outbox, channel),
                  .no_echo = o->no_echo,
                  .compare = o->compare,
                  .ttl_ms = o->ttl_ms,
                  .item = o->item,
                  .tags = o->tags,
                  .removed = o->removed,
                  .compare_item = o->compare_item,
                  .meta = o->meta};
  if (o->compare || o->compare_item) {
    m.epoch = o->expected.epoch;
    m.offset = o->expected.offset;
  }
  *(payload.type == GW_PAYLOAD_JSON ? &m.json : &m.data) = payload.bytes;
  gw__entry *e = new_entry(c, &m);
  if (e == NULL) return GW_ERR_NOMEM;
  e->key = number;
  e->at_most_once = o->at_most_once;
  err = add_entry(c, e);
  if (err < 0) {
    gw__free(c, e);
    return err;
  }
  c->last_key = *key = number;
  if (!e->at_most_once && c->port.store_put != NULL)
    c->port.store_put(c->user, number, (gw_view){e->bytes, e->len});
  gw__acted(c);
  gw__kick(c);
  return 0;
}

int gw_client_restore(gw_client *c, gw_view entry) {
  gw_publish m;
  if (c->link.generation != 0) return GW_ERR_STATE;
  if (gw_decode_publish(entry, &m) < 0 || m.key == 0 ||
      gw__check_channel(c, m.channel) < 0)
    return GW_ERR_INVALID;
  gw__entry *e = new_entry(c, &m);
  if (e == NULL) return GW_ERR_NOMEM;
  e->key = m.key;
  e->ever_sent = true; /* perhaps, by the process before */
  int err = add_entry(c, e);
  if (err < 0) {
    gw__free(c, e);
    return err;
  }
  if (c->last_key < m.key) c->last_key = m.key;
  gw__kick(c);
  return 0;
}

/* ---- settled ------------------------------------------------------------- */

static gw_event *settle(gw_client *c, gw__entry *e, uint32_t code,
                        const gw_view *reason, const gw_position *position,
                        bool duplicate) {
  gw_event *event = gw__events_push(c, GW_EVENT_PUBLISHED);
  event->u.published.key = e->key;
  event->u.published.code = code;
  if (reason != NULL) event->u.published.reason = *reason;
  if (position != NULL) event->u.published.position = *position;
  event->u.published.duplicate = duplicate;
  if (!e->at_most_once && c->port.store_remove != NULL)
    c->port.store_remove(c->user, e->key);
  gw__outbox_remove(&c->outbox, &c->alloc, e);
  gw__events_release(c, 1);
  return event;
}

static void fail(gw_client *c, gw__entry *e, uint32_t code,
                 const gw_view *reason) {
  (void)settle(c, e, code, reason, NULL, false);
}

static void accept(gw_client *c, gw__entry *e, const gw_position *position,
                   bool duplicate) {
  e->lane->failures = 0;
  (void)settle(c, e, GW_CODE_OK, NULL, position, duplicate);
}

int gw__on_published(gw_client *c, const gw_frame *frame) {
  gw_published m;
  int err = gw_decode_published(frame->body, &m);
  if (err < 0) return err;
  gw__entry *e = gw__outbox_by_request(&c->outbox, frame->head.request);
  if (e == NULL) return 0; /* its echo came first, or it was sent again */
  gw_position position = {m.epoch, m.offset};
  accept(c, e, &position, m.duplicate);
  return 0;
}

void gw__publish_echoed(gw_client *c, gw__entry *e,
                        const gw_position *position) {
  accept(c, e, position, false);
}

/**
 * A refusal that may pass: the server refuses whatever follows it in its
 * channel, too, so that nothing overtakes. The answers to those behind it are
 * known before they come, and all of them start again from the refused one.
 * After one that will not pass those behind go on; should a server refuse them
 * for it, that is a refusal that may pass.
 */
void gw__publish_refused(gw_client *c, gw__entry *e, const gw_error *error) {
  if (e->at_most_once || !gw__may_retry(error->code)) {
    gw_event *event = settle(c, e, error->code, &error->message, NULL, false);
    event->u.published.field = error->field;
    event->u.published.retry_after_ms = error->retry_after_ms;
    return;
  }
  gw__outbox_rewind(&c->outbox, e);
  uint64_t wait = gw__backoff_delay(&c->backoff.policy, ++e->lane->failures,
                                    (uint32_t)gw__random(c));
  if (wait < error->retry_after_ms) wait = error->retry_after_ms;
  e->lane->hold_until_ms = c->now + wait;
}

void gw__publish_lost(gw_client *c) {
  if (GW_GUARD(OUTBOX_REWIND)) gw__outbox_rewind_all(&c->outbox);
  for (gw__entry *e = c->outbox.first, *next; e != NULL; e = next) {
    next = e->next;
    if (e->at_most_once) fail(c, e, GW_CODE_CONNECTION_LOST, NULL);
  }
}

void gw__publish_free(gw_client *c) {
  gw__outbox_deinit(&c->outbox, &c->alloc);
}

/* ---- out ----------------------------------------------------------------- */

/** Whether the announced rate allows one more now. */
static bool take_credit(gw_client *c) {
  uint64_t rate = c->limits.publish_per_second;
  c->publish_next_ms = 0;
  if (rate == 0) return true;
  c->publish_credit += (c->now - c->publish_credit_ms) * rate;
  c->publish_credit_ms = c->now;
  if (c->publish_credit > rate * 1000) c->publish_credit = rate * 1000;
  if (c->publish_credit >= 1000) {
    c->publish_credit -= 1000;
    return true;
  }
  c->publish_next_ms = c->now + (1000 - c->publish_credit + rate - 1) / rate;
  return false;
}

static void put_publish(gw_client *c, gw__entry *e) {
  gw_publish m = e->m;
  uint32_t alias = 0, request = gw__next_request(c);
  const gw__entry *before = e->lane->last;
  bool follows = GW_GUARD(PRECEDING_KEY) && !e->at_most_once && before != NULL;
  m.after = follows ? before->key : 0;
  /* The alias only once it is confirmed: a refused Subscribe would take this
   * publication with it. */
  const gw__sub *s = gw__sub_by_channel(c, m.channel);
  if (s != NULL && s->number != 0) {
    m.channel.len = 0;
    alias = s->id;
  }
  gw__put(c, GW_FRAME_PUBLISH, request, alias, GW_MESSAGE_publish, &m);
  gw__outbox_sent(e, request, c->now);
}

/** Echoes of what is in flight wait in the server's queue for this connection,
 * and a full queue ends the connection: leave most of it to others' messages. */
static bool has_room(const gw_client *c, uint32_t in_flight, uint32_t len) {
  uint32_t queue = c->limits.max_queue_bytes;
  uint32_t all = in_flight + len + GW__ECHO_BYTES;
  return queue == 0 || in_flight == 0 || all <= queue / 4;
}

void gw__publish_pump(gw_client *c) {
  /* Within a lane nothing is passed over but what is held with all behind it,
   * so the order of keys holds. */
  uint32_t in_flight = gw__outbox_begin(&c->outbox);
  for (gw__entry *e = c->outbox.first, *next; e != NULL; e = next) {
    next = e->next;
    if (!gw__outbox_may_send(e) || e->lane->hold_until_ms > c->now) continue;
    if (!gw__fits_frame(c, (size_t)e->len + 2 * sizeof e->key)) {
      fail(c, e, GW_CODE_TOO_BIG, GW__TEXT("over the announced limit"));
      continue;
    }
    if (!has_room(c, in_flight, e->len) || !take_credit(c)) break;
    put_publish(c, e);
    in_flight += e->len + GW__ECHO_BYTES;
    if (c->broken) break;
  }
}

static void check_sent(gw_client *c, gw__entry *e) {
  if (!gw__due(c, e->sent_ms + c->request_timeout_ms)) return;
  if (e->at_most_once)
    fail(c, e, GW_CODE_TIMEOUT, NULL);
  else
    gw__outbox_rewind(&c->outbox, e);
}

static void check_waiting(gw_client *c, gw__entry *e) {
  if (gw__due(c, e->created_ms + c->outbox_max_age_ms)) {
    fail(c, e, GW_CODE_OUTBOX_EXPIRED,
         e->ever_sent ? GW__TEXT("sent, but the outcome is not known")
                      : GW__TEXT("never sent"));
  } else if (gw__is_welcome(c) && e->lane->hold_until_ms > c->now) {
    (void)gw__due(c, e->lane->hold_until_ms);
  }
}

void gw__publish_due(gw_client *c) {
  for (gw__entry *e = c->outbox.first, *next; e != NULL; e = next) {
    next = e->next;
    if (e->sent)
      check_sent(c, e);
    else
      check_waiting(c, e);
  }
  if (gw__is_welcome(c) && c->publish_next_ms > c->now)
    (void)gw__due(c, c->publish_next_ms);
}
