/* SPDX-License-Identifier: MIT */
/* publish.c - where a publication gets its offset: at the channel's owner, and
 * from there to the followers. */
#include <string.h>

#include "server/core/batch.h"
#include "server/core/channel.h"
#include "server/core/mail.h"
#include "server/core/session.h"

/** What a Publication frame takes besides its payload and user: numbers, tags
 * and header. */
#define PUBLICATION_OVERHEAD 96u

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

/** Never 0, which is no item. The key of the hash is the node's, so that each
 * worker finds the same. */
static uint64_t hash_of_item(const gw_hub *h, gw_view item) {
  uint64_t hash = gws_hub_hash(h, item.data, item.len);
  return hash != 0 ? hash : 1;
}

static gw_buf *encode(gw_channel *ch, const gw_publish_command *cmd) {
  gw_hub *h = ch->hub;
  const gw_publish *in = &cmd->msg;
  gw_out *out =
      gws_hub_scratch(h, PUBLICATION_OVERHEAD + in->data.len + in->json.len +
                             cmd->user.len + in->item.len + GWS_SCRATCH_MIN);
  gw_head head = {.type = GW_FRAME_PUBLICATION, .channel = ch->number};
  gw_publication msg = {.offset = ch->top + 1,
                        .data = in->data,
                        .json = in->json,
                        .client = cmd->client,
                        .key = in->key,
                        .user = cmd->user,
                        .time_ms = h->wall_ms,
                        .no_echo = in->no_echo,
                        .item = in->item};
  if (out == NULL || gw_encode_publication(out, &head, &msg) < 0) return NULL;
  gw_buf *b = gw_buf_new((gw_view){out->data, out->len}, false);
  if (b != NULL && in->item.len != 0) b->item = hash_of_item(h, in->item);
  return b;
}

static uint64_t expiry(const gw_channel *ch, uint32_t ttl_ms) {
  uint32_t most = ch->ns->history_ttl_ms;
  if (ttl_ms == 0 || (most != 0 && most < ttl_ms)) ttl_ms = most;
  return ttl_ms == 0 ? GW_NEVER : ch->hub->now_ms + ttl_ms;
}

/** A publication that has passed all checks. */
struct stamped {
  gw_buf *buf;
  gw_published_mail mail;
};

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

/** Check it against what the channel knows, and stamp it. */
static void stamp(gw_channel *ch, const gw_publish_command *cmd,
                  gw_outcome *outcome, struct stamped *st) {
  const gw_publish *msg = &cmd->msg;
  struct gw_dedup_publisher *p = NULL;
  outcome->epoch = ch->epoch;
  uint64_t key = cmd->repeat != 0 ? 1 : msg->key;
  if (key != 0) {
    uint64_t publisher = cmd->repeat != 0 ? cmd->repeat : cmd->client;
    p = gw_dedup_open(&ch->window, ch->hub, publisher);
    outcome->code = p != NULL ? GW_CODE_OK : GW_CODE_INTERNAL;
    if (p == NULL) return;
    outcome->duplicate = gw_dedup_has(p, key, &outcome->offset);
    if (outcome->duplicate) return;
  }
  outcome->code = take_turn(ch, msg, p, &outcome->retry_after_ms);
  if (outcome->code != GW_CODE_OK) return;
  if (msg->compare && (msg->epoch != ch->epoch || msg->offset != ch->top)) {
    outcome->code = GW_CODE_CONFLICT;
    return;
  }
  st->buf = encode(ch, cmd);
  if (st->buf == NULL) {
    outcome->code = GW_CODE_INTERNAL;
    return;
  }
  outcome->offset = ch->top + 1;
  st->mail = (gw_published_mail){.offset = outcome->offset,
                                 .expires_ms = expiry(ch, msg->ttl_ms),
                                 .client = cmd->client,
                                 .key = msg->key,
                                 .epoch = ch->epoch,
                                 .no_echo = msg->no_echo};
  if (p != NULL) gw_dedup_put(p, key, outcome->offset);
  gws_channel_append(ch, gw_buf_ref(st->buf), st->mail.expires_ms);
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
  if (h->drain.on)
    gws_fanout_publication(ch, &f);
  else
    gws_batch_put(ch, &f);
}

/** Returns the mail when no follower took it, and the answer with it. */
static gw_mail *accept_one(gw_hub *h, const gw_publish_command *cmd,
                           const gw_origin *origin, gw_mail *mail,
                           gw_outcome *o) {
  struct stamped st = {.buf = NULL};
  gw_channel *ch = NULL;
  if (gw_refused_holds(&h->refused, key_stream(cmd), cmd->msg.after))
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
    gw_stat_add(&h->stats.publications_total, 1);
    fan_out(ch, st.buf, &st.mail, origin);
    mail = post_to_followers(ch, origin, &st, mail);
    gw_buf_unref(st.buf);
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
    if (pub->offset == ch->top + 1) {
      gws_channel_append(ch, gw_buf_ref(m->buf), pub->expires_ms);
      fan_out(ch, m->buf, pub, &m->origin);
    } else {
      gws_follow_break(ch);
    }
  }
  if (m->origin.worker == h->worker) {
    gw_outcome outcome = {.code = GW_CODE_OK,
                          .key = pub->key,
                          .epoch = pub->epoch,
                          .offset = pub->offset};
    h->forwarded[m->from]--;
    gws_command_answer(h, &m->origin, &outcome);
  }
  gw_mail_free(m);
}
