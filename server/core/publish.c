/* SPDX-License-Identifier: MIT */
/* publish.c - where a publication gets its offset: at the channel's owner, and
 * from there to the followers. */
#include <assert.h>
#include <string.h>

#include "proto/guard.h"
#include "server/core/batch.h"
#include "server/core/channel.h"
#include "server/core/event.h"
#include "server/core/filtered.h"
#include "server/core/mail.h"
#include "server/core/meta.h"
#include "server/core/news.h"
#include "server/core/pack.h"
#include "server/core/pattern.h"
#include "server/core/session.h"

/** What a Publication frame takes besides its payload and user: numbers, tags
 * and header. */
#define PUBLICATION_OVERHEAD 96u

/** Void words about the ends of items that are not worth a sweep. */
#define EXPIRY_SLACK 64u

/** Without memory to remove an item it is tried again after this long. */
#define REMOVE_AGAIN_MS 100u

/* ---- order when memory runs out ------------------------------------------ */

/** Names a client's stream of keys in a channel. */
static uint64_t key_stream(const gw_publish_command *cmd) {
  return cmd->hash ^ cmd->client * UINT64_C(0x9E3779B97F4A7C15);
}

/** Refused, but it will come again: what follows it has to wait. */
static void note_refusal(gw_hub *h, const gw_publish_command *cmd) {
  if (cmd->msg.key == 0) return;
  /* There is always room unless many clients were refused at once, and then
   * the order of a few is all that is lost. */
  (void)!gw_refused_add(&h->refused, key_stream(cmd), cmd->msg.key);
}

/* ---- stamping ------------------------------------------------------------ */

uint64_t gws_item_hash(const gw_hub *h, gw_view item) {
  uint64_t hash = gws_hub_hash(h, item.data, item.len);
  return hash != 0 ? hash : 1;
}

/** The message of a publication, whose item is hashed already; 0: none. */
static inline gw_buf *encode(gw_channel *ch, const gw_publication *msg,
                             uint64_t item) {
  size_t room = PUBLICATION_OVERHEAD + msg->data.len + msg->json.len +
                msg->user.len + msg->item.len;
  if (msg->tags.num != 0) room += gw_list_bytes(msg->tags);
  gw_out *out = gws_hub_scratch(ch->hub, room);
  gw_head head = {.type = GW_FRAME_PUBLICATION, .channel = ch->number};
  if (out == NULL || gw_encode_publication(out, &head, msg) < 0) return NULL;
  gw_buf *b = gw_buf_new((gw_view){out->data, out->len}, false);
  if (b == NULL) return NULL;
  b->item = item;
  b->offset = msg->offset;
  b->removed = msg->removed;
  return gws_may_pack(b, &ch->ns->packing);
}

static gw_buf *encode_command(gw_channel *ch, const gw_publish_command *cmd,
                              uint64_t item) {
  const gw_publish *in = &cmd->msg;
  gw_publication msg = {.offset = ch->top + 1,
                        .data = in->data,
                        .json = in->json,
                        .client = cmd->client,
                        .key = in->key,
                        .user = cmd->user,
                        .time_ms = ch->hub->wall_ms,
                        .no_echo = in->no_echo,
                        .item = in->item,
                        .tags = in->tags,
                        .removed = in->removed};
  return encode(ch, &msg, item);
}

static uint64_t expiry(const gw_channel *ch, uint32_t ttl_ms) {
  bool is_stream = ch->ns->history_mode == GW_HISTORY_STREAM;
  uint32_t most = is_stream ? ch->ns->history_ttl_ms : ch->ns->item_ttl_ms;
  if (ttl_ms == 0 || (most != 0 && most < ttl_ms)) ttl_ms = most;
  return ttl_ms == 0 ? GW_NEVER : ch->hub->now_ms + ttl_ms;
}

/** A publication that has passed all checks. */
struct stamped {
  gw_buf *buf;
  gws_move move; /**< of a state machine */
  gw_published_mail mail;
};

/** Whether the channel, or the item, is where the publisher thinks. */
static bool is_as_expected(const gw_channel *ch, const gw_publish *msg,
                           uint64_t item) {
  if (msg->compare && (msg->epoch != ch->epoch || msg->offset != ch->top))
    return false;
  if (!msg->compare_item) return true;
  const gw_buf *b = gw_history_find(&ch->history, item);
  if (b == NULL || b->removed) return msg->offset == 0;
  return msg->epoch == ch->epoch && msg->offset == b->offset;
}

/** See that nothing can fail any more when it is put into a map. */
static uint32_t make_room(gw_channel *ch, const gw_buf *b) {
  if (ch->history.mode != GW_HISTORY_MAP) return GW_CODE_OK;
  gw_history_max max = gws_channel_max(ch);
  if (!gw_history_admits(&ch->history, b, &max)) return GW_CODE_LIMIT_REACHED;
  bool has_room = gw_history_reserve(&ch->history) == 0 &&
                  gw_expiry_reserve(&ch->expiry) == 0;
  return has_room ? GW_CODE_OK : GW_CODE_INTERNAL;
}

/** Of a state that has moved: when it moves on by itself; GW_NEVER. */
static uint64_t next_move(const gw_channel *ch, const gws_move *move) {
  const gw_machine_transition *t =
      gws_machine_automatic(move->machine, move->to);
  return t != NULL ? ch->hub->now_ms + t->after_ms : GW_NEVER;
}

/** Whether a state machine lets it be said; of what is none, anything may. */
static uint32_t check_machine(const gw_channel *ch,
                              const gw_publish_command *cmd, uint64_t item,
                              gw_outcome *outcome, struct stamped *st) {
  gw_view name = gws_channel_name(ch);
  if (!gws_name_is_own(name) || !GW_GUARD(MACHINE)) return GW_CODE_OK;
  uint32_t code = gws_machine_check(ch->hub, name, &cmd->msg,
                                    gw_history_find(&ch->history, item),
                                    cmd->by, &st->move);
  if (code != GW_CODE_OK) {
    outcome->move = st->move;
    outcome->by = cmd->by;
  }
  return code;
}

/** By which a repeat is known; 0: it is not. What the application publishes has
 * a publisher of its own for each. */
static uint64_t key_of(const gw_publish_command *cmd) {
  return cmd->repeat != 0 ? 1 : cmd->msg.key;
}

/**
 * Whether the channel's rate lets one more. What was to follow one that it did
 * not let has to wait for that: it is known by its key, so that no list of the
 * refused is needed, which many publishers would fill.
 */
static uint32_t take_turn(gw_channel *ch, const gw_publish *msg,
                          const struct gw_dedup_publisher *p,
                          uint32_t *wait_ms) {
  uint64_t offset;
  const gw_rate *rate = &ch->ns->publish_rate;
  if (rate->num == 0) return GW_CODE_OK;
  if (p != NULL && msg->after != 0 && !gw_dedup_has(p, msg->after, &offset))
    return GW_CODE_PRECEDING_REFUSED;
  *wait_ms = gw_bucket_take(&ch->rate, rate, 1, ch->hub->now_ms);
  if (*wait_ms == 0) return GW_CODE_OK;
  char name[GW_MAX_CHANNEL_BYTES + 1];
  gws_log_text(name, sizeof name, gws_channel_name(ch));
  gw_stat_add(&ch->hub->stats.channel_rate_limited_total, 1);
  gws_hub_log(ch->hub, GWS_LOG_INFO, "rate.limited",
              "of=channel channel=\"%s\" retry_after_ms=%u", name, *wait_ms);
  return GW_CODE_RATE_LIMITED;
}

/** Check it against what the channel knows. GW_CODE_OK with a message in st, or
 * with none: it is a repeat. */
static uint32_t prepare(gw_channel *ch, const gw_publish_command *cmd,
                        gw_outcome *outcome, struct gw_dedup_publisher **p,
                        struct stamped *st) {
  const gw_publish *msg = &cmd->msg;
  uint64_t item = msg->item.len != 0 ? gws_item_hash(ch->hub, msg->item) : 0;
  uint64_t key = key_of(cmd);
  if (key != 0) {
    uint64_t publisher = cmd->repeat != 0 ? cmd->repeat : cmd->client;
    *p = gw_dedup_open(&ch->window, ch->hub, publisher);
    if (*p == NULL) return GW_CODE_INTERNAL;
    outcome->duplicate =
        gw_dedup_has(*p, key, &outcome->offset) && GW_GUARD(SENDER_DEDUP);
    if (outcome->duplicate) return GW_CODE_OK;
  }
  uint32_t code = take_turn(ch, msg, *p, &outcome->retry_after_ms);
  if (code != GW_CODE_OK) return code;
  if (item == 0 && ch->history.mode == GW_HISTORY_MAP)
    return GW_CODE_BAD_REQUEST;
  if (GW_GUARD(COMPARE) && !is_as_expected(ch, msg, item))
    return GW_CODE_CONFLICT;
  if (ch->history.mode == GW_HISTORY_MAP) {
    uint32_t refused = check_machine(ch, cmd, item, outcome, st);
    if (refused != GW_CODE_OK) return refused;
  }
  st->buf = encode_command(ch, cmd, item);
  if (st->buf == NULL) return GW_CODE_INTERNAL;
  code = make_room(ch, st->buf);
  if (code == GW_CODE_OK && msg->meta.len != 0 && ch->meta == NULL &&
      gws_meta_set(ch, msg->meta) < 0)
    code = GW_CODE_INTERNAL;
  if (code == GW_CODE_OK) return code;
  gw_buf_unref(st->buf);
  st->buf = NULL;
  return code;
}

/** Whether something newer was said about the item. */
static bool is_void(const void *history, const gw_expiry_entry *e) {
  const gw_buf *b = gw_history_find(history, e->item);
  return b == NULL || (b->offset != e->offset && GW_GUARD(VOID_EXPIRY));
}

/** An item of a map comes to its end by a removal that is told. There is room
 * for it. */
static void note_expiry(gw_channel *ch, const gw_buf *b, uint64_t due_ms) {
  if (ch->history.mode != GW_HISTORY_MAP || due_ms == GW_NEVER || b->removed)
    return;
  gw_expiry_put(&ch->expiry, (gw_expiry_entry){due_ms, b->item, b->offset});
  if (ch->expiry.num > 2 * gw_history_num(&ch->history) + EXPIRY_SLACK)
    gw_expiry_sweep(&ch->expiry, is_void, &ch->history);
}

/** Put what is prepared at the top of the stream. */
static inline void append(gw_channel *ch, const struct stamped *st) {
  if (gws_channel_append(ch, gw_buf_ref(st->buf), st->mail.expires_ms) < 0)
    assert(!"there is room in the map"); /* make_room */
  note_expiry(ch, st->buf, st->mail.expires_ms);
}

static void stamp(gw_channel *ch, const gw_publish_command *cmd,
                  gw_outcome *outcome, struct stamped *st) {
  const gw_publish *msg = &cmd->msg;
  struct gw_dedup_publisher *p = NULL;
  outcome->epoch = ch->epoch;
  outcome->code = prepare(ch, cmd, outcome, &p, st);
  if (st->buf == NULL) return;
  outcome->offset = ch->top + 1;
  st->mail = (gw_published_mail){.offset = outcome->offset,
                                 .expires_ms = st->move.machine != NULL
                                                   ? next_move(ch, &st->move)
                                                   : expiry(ch, msg->ttl_ms),
                                 .client = cmd->client,
                                 .key = msg->key,
                                 .epoch = ch->epoch,
                                 .no_echo = msg->no_echo};
  if (p != NULL) gw_dedup_put(p, key_of(cmd), outcome->offset);
  append(ch, st);
  ch->used_ms = ch->hub->now_ms;
}

/* ---- to the followers ---------------------------------------------------- */

/** Post it to each; the one where it came from gets the command's mail, and
 * with it the answer. Returns the mail when it was not used. */
static gw_mail *post_to_followers(gw_channel *ch, const gw_origin *origin,
                                  const struct stamped *st, gw_mail *mail) {
  for (uint32_t i = 0; i < ch->num_followers;) {
    const gw_follower *f = &ch->followers[i];
    bool answers = mail != NULL && f->worker == origin->worker;
    gw_mail *m = answers ? mail : gws_mail_new(GWS_MAIL_PUBLICATION, 0);
    if (m == NULL) {
      gws_hub_nomem(ch->hub);
      gws_follow_reset(ch, i);
      continue;
    }
    if (answers) mail = NULL;
    m->kind = GWS_MAIL_PUBLICATION;
    m->handle = f->handle;
    m->buf = gw_buf_ref(st->buf);
    m->u.published = st->mail;
    gws_mail_post(ch->hub, f->worker, m);
    i++;
  }
  return mail;
}

void gws_publish_fan_out(gw_channel *ch, const gw_fanout *f) {
  if (ch->num_choosy != 0) gws_filtered_publication(ch, f);
  if (ch->hub->drain.on)
    gws_fanout_publication(ch, f);
  else
    gws_batch_put(ch, f);
}

static void fan_out(gw_channel *ch, gw_buf *buf, const gw_published_mail *pub,
                    const gw_origin *origin) {
  gw_hub *h = ch->hub;
  gw_fanout f = {.buf = buf,
                 .first = pub->offset,
                 .num = 1,
                 .client = pub->client,
                 .key = pub->key};
  if (pub->no_echo && origin->worker == h->worker)
    f.quiet = gws_session_get(h, origin->session);
  gws_publish_fan_out(ch, &f);
}

/** To everybody who gets what was stamped, on all workers. Drops the message;
 * the mail is as in post_to_followers. */
static inline gw_mail *spread(gw_channel *ch, struct stamped *st,
                              const gw_origin *origin, gw_mail *mail) {
  gw_stat_add(&ch->hub->stats.publications_total, 1);
  fan_out(ch, st->buf, &st->mail, origin);
  mail = post_to_followers(ch, origin, st, mail);
  if (ch->ns->wildcards && ch->hub->names.num != 0)
    gws_pattern_publication(ch, st->buf, &st->mail);
  if (ch->hub->on_event != NULL) gws_event(ch, st->buf);
  gw_buf_unref(st->buf);
  return mail;
}

/* ---- when the time of an item is over --------------------------------------- */

/** The state machine whose state an item is; then where it moves by itself. */
static bool moves_on(const gw_channel *ch, const gw_publication *was,
                     gws_move *move) {
  const gw_machine *m =
      gws_machine_find(ch->hub->settings, gws_channel_name(ch), was->item);
  int from = m != NULL ? gws_machine_read(m, was->json) : -1;
  const gw_machine_transition *t =
      from >= 0 ? gws_machine_automatic(m, (uint8_t)from) : NULL;
  if (t == NULL) return false;
  *move = (gws_move){m, t->from, t->to};
  return true;
}

/** The time of an item is over: it is removed, or moves on. False when out of
 * memory. */
static bool end_item(gw_channel *ch, const gw_buf *b) {
  static const gw_origin nobody = {.worker = GWS_NOBODY};
  char state[GW_MACHINE_NAME_MAX + 3];
  gw_frame f;
  gw_publication was, msg = {.offset = ch->top + 1,
                             .time_ms = ch->hub->wall_ms,
                             .removed = true};
  struct stamped st = {.buf = NULL};
  if (gw_frame_parse(gw_buf_payload(b), GW_MAX_FRAME_BYTES_HARD, &f) <= 0 ||
      gw_decode_publication(f.body, &was) < 0)
    assert(!"it was encoded here");
  msg.item = was.item;
  if (moves_on(ch, &was, &st.move)) {
    msg.removed = false;
    msg.json = gws_machine_write(st.move.machine, st.move.to, state);
  }
  st.buf = encode(ch, &msg, b->item);
  if (st.buf == NULL || make_room(ch, st.buf) != GW_CODE_OK) {
    gw_buf_unref(st.buf);
    return false;
  }
  st.mail = (gw_published_mail){
      .offset = msg.offset, .expires_ms = GW_NEVER, .epoch = ch->epoch};
  if (!msg.removed) st.mail.expires_ms = next_move(ch, &st.move);
  append(ch, &st);
  (void)spread(ch, &st, &nobody, NULL);
  return true;
}

void gws_publish_expired(gw_channel *ch) {
  const gw_expiry_entry *e;
  while ((e = gw_expiry_first(&ch->expiry)) != NULL &&
         (e->due_ms <= ch->hub->now_ms || is_void(&ch->history, e))) {
    gw_expiry_entry due = *e;
    gw_expiry_pop(&ch->expiry);
    if (is_void(&ch->history, &due)) continue;
    if (end_item(ch, gw_history_find(&ch->history, due.item))) continue;
    gws_hub_nomem(ch->hub);
    due.due_ms = ch->hub->now_ms + REMOVE_AGAIN_MS;
    gw_expiry_put(&ch->expiry, due); /* in the place that it had */
    return;
  }
}

/* ---- entries --------------------------------------------------------------- */

/** Returns the mail when no follower took it, and the answer with it. */
static gw_mail *accept_one(gw_hub *h, const gw_publish_command *cmd,
                           const gw_origin *origin, gw_mail *mail,
                           gw_outcome *o) {
  struct stamped st = {.buf = NULL};
  gw_channel *ch = NULL;
  if (GW_GUARD(REFUSED_HOLDS) &&
      gw_refused_holds(&h->refused, key_stream(cmd), cmd->msg.after))
    o->code = GW_CODE_PRECEDING_REFUSED;
  else
    ch = gws_channel_get(h, cmd->msg.channel, cmd->hash, &o->code);
  if (ch != NULL) stamp(ch, cmd, o, &st);
  if (ch != NULL && (o->code == GW_CODE_RATE_LIMITED ||
                     o->code == GW_CODE_PRECEDING_REFUSED)) {
    /* By the channel's rate, which keeps the order by itself. */
  } else if (gw_code_class(o->code) == GW_CLASS_RETRY) {
    if (o->code == GW_CODE_INTERNAL) gws_hub_nomem(h);
    note_refusal(h, cmd);
  } else {
    gw_refused_accept(&h->refused, key_stream(cmd), cmd->msg.key);
  }
  if (o->duplicate) gw_stat_add(&h->stats.duplicates_total, 1);
  if (st.buf != NULL) {
    mail = spread(ch, &st, origin, mail);
    if (origin->worker == h->worker) o->echo = ch->handle;
  }
  if (ch != NULL) gws_channel_touch(ch);
  return mail;
}

void gws_publish_accept(gw_hub *h, const gw_publish_command *cmd,
                        const gw_origin *origin, gw_mail *mail) {
  gw_outcome outcome = {.code = GW_CODE_OK, .key = cmd->msg.key};
  mail = accept_one(h, cmd, origin, mail, &outcome);
  /* A mail that went to the origin as a publication has taken the answer with
   * it; the same is true of nobody else's. */
  if (mail != NULL || origin->worker == h->worker)
    gws_command_done(h, origin, &outcome, mail);
}

gw_outcome gws_publish_own(gw_hub *h, const gw_publish_command *cmd) {
  gw_outcome outcome = {.code = GW_CODE_OK};
  const gw_origin nobody = {.worker = GWS_NOBODY};
  (void)accept_one(h, cmd, &nobody, NULL, &outcome);
  return outcome;
}

void gws_publish_follow(gw_hub *h, gw_mail *m) {
  const gw_published_mail *pub = &m->u.published;
  gw_channel *ch = gw_slots_get(&h->channels, m->handle);
  if (ch != NULL && ch->state == GWS_CHANNEL_ATTACHED) {
    if (pub->offset == ch->top + 1 &&
        gws_channel_append(ch, gw_buf_ref(m->buf), pub->expires_ms) == 0) {
      fan_out(ch, m->buf, pub, &m->origin);
    } else {
      gws_follow_break(ch);
    }
  }
  if (m->origin.worker == h->worker) {
    gw_outcome outcome = {.code = GW_CODE_OK,
                          .key = pub->key,
                          .epoch = pub->epoch,
                          .offset = pub->offset,
                          .echo = m->handle};
    h->forwarded[m->from]--;
    gws_command_answer(h, &m->origin, &outcome);
  }
  gw_mail_free(m);
}
