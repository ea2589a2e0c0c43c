/* SPDX-License-Identifier: MIT */
/* news.c - what happens to channels, gathered and handed on. */
#include "server/core/news.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/channel.h"
#include "server/core/mail.h"
#include "server/core/session.h"

struct gws_piece {
  gws_piece *next;
  enum gw_channel_event what;
  const gw_namespace *ns;
  uint64_t client;
  uint64_t connection;
  uint8_t name_len;
  uint8_t user_len;
  uint8_t texts[]; /**< name, user */
};

static const char *const names[] = {
    [GW_CHANNEL_CREATED] = "created",
    [GW_CHANNEL_SUBSCRIBED] = "subscribed",
    [GW_CHANNEL_UNSUBSCRIBED] = "unsubscribed",
    [GW_CHANNEL_DESTROYED] = "destroyed",
};

/* ---- gathering ------------------------------------------------------------- */

static void count(gw_hub *h, enum gw_channel_event what) {
  gw_stats *s = &h->stats;
  if (what == GW_CHANNEL_CREATED)
    gw_stat_add(&s->channels_created_total, 1);
  else if (what == GW_CHANNEL_SUBSCRIBED)
    gw_stat_add(&s->subscribed_total, 1);
  else if (what == GW_CHANNEL_UNSUBSCRIBED)
    gw_stat_add(&s->unsubscribed_total, 1);
  else
    gw_stat_add(&s->channels_destroyed_total, 1);
}

/** Whether anybody wants to know. */
static bool is_wanted(const gw_hub *h, const gw_channel *ch) {
  bool is_published = h->news_space != NULL && ch->ns->events;
  return (h->on_channel != NULL || is_published) && h->port.post != NULL &&
         !gws_name_is_own(gws_channel_name(ch));
}

static gws_piece *make(const gw_channel *ch, enum gw_channel_event what,
                       const gw_session *s) {
  gw_view user = s != NULL ? gws_session_user(s) : (gw_view){NULL, 0};
  gws_piece *n = gw_mem_alloc(sizeof *n + ch->name_len + user.len);
  if (n == NULL) return NULL;
  *n = (gws_piece){.what = what,
                   .ns = ch->ns,
                   .client = s != NULL ? s->client : 0,
                   .connection = s != NULL ? s->connection : 0,
                   .name_len = ch->name_len,
                   .user_len = (uint8_t)user.len};
  memcpy(n->texts, ch->name, ch->name_len);
  if (user.len != 0) memcpy(n->texts + ch->name_len, user.data, user.len);
  return n;
}

void gws_news(gw_channel *ch, enum gw_channel_event what, const gw_session *s) {
  gw_hub *h = ch->hub;
  count(h, what);
  if (h->on_channel == NULL && h->news_space == NULL) return;
  if (!is_wanted(h, ch)) return;
  gws_piece *n = h->num_news < GWS_NEWS_MAX ? make(ch, what, s) : NULL;
  if (n == NULL) {
    gw_stat_add(&h->stats.news_lost_total, 1);
    return;
  }
  *(h->last_news != NULL ? &h->last_news->next : &h->news) = n;
  h->last_news = n;
  h->num_news++;
}

/* ---- handing on ------------------------------------------------------------ */

static gw_view name_of(const gws_piece *n) {
  return (gw_view){n->texts, n->name_len};
}

static gw_view user_of(const gws_piece *n) {
  return (gw_view){n->texts + n->name_len, n->user_len};
}

/** To be freed; NULL when out of memory. */
static char *json_of(const gws_piece *n) {
  char client[20], connection[20];
  gw_view name = name_of(n), user = user_of(n);
  (void)snprintf(client, sizeof client, "%016llx",
                 (unsigned long long)n->client);
  (void)snprintf(connection, sizeof connection, "%016llx",
                 (unsigned long long)n->connection);
  json_t *object = json_pack("{s:s,s:s%}", "event", names[n->what], "channel",
                             (const char *)name.data, name.len);
  if (object != NULL && n->connection != 0) {
    json_object_set_new(object, "client", json_string(client));
    json_object_set_new(object, "connection", json_string(connection));
    json_object_set_new(object, "user",
                        json_stringn((const char *)user.data, user.len));
  }
  char *text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
  json_decref(object);
  return text;
}

static bool add_tag(gw_out *out, gw_list *tags, const char *name,
                    gw_view value) {
  gw_tag tag = {gw_view_of(name), value};
  return gw_list_add(out, tags, GW_MESSAGE_tag, &tag) == 0;
}

/** To the owner of the channel of news. False when it has too much to do, or
 * there is no memory. */
static bool send(gw_hub *h, gw_publish_command *cmd) {
  static const gw_origin nobody = {.worker = GWS_NOBODY};
  gw_view name = cmd->msg.channel;
  cmd->hash = gws_hub_hash(h, name.data, name.len);
  uint32_t owner = gws_channel_owner(h, cmd->hash);
  if (owner == h->worker) {
    gws_publish_accept(h, cmd, &nobody, NULL);
    return true;
  }
  gw_mail *m = NULL;
  if (!gws_hub_is_worker_busy(h, owner)) m = gws_publish_mail(cmd, &nobody);
  if (m == NULL) return false;
  gws_mail_post(h, owner, m);
  return true;
}

static void publish(gw_hub *h, const gws_piece *n) {
  uint8_t space[256];
  gw_out out = {space, 0, sizeof space};
  gw_list tags = {.num = 0};
  char *json = json_of(n);
  gw_publish_command cmd = {
      .msg = {.channel = gw_view_of(GWS_NEWS_CHANNEL), .item = name_of(n)}};
  if (json != NULL &&
      add_tag(&out, &tags, "event", gw_view_of(names[n->what])) &&
      add_tag(&out, &tags, "namespace", gw_view_of(n->ns->name))) {
    cmd.msg.json = gw_view_of(json);
    cmd.msg.tags = tags;
    if (!send(h, &cmd)) gw_stat_add(&h->stats.news_lost_total, 1);
  } else {
    gw_stat_add(&h->stats.news_lost_total, 1);
  }
  free(json);
}

static void hand_on(gw_hub *h, const gws_piece *n) {
  gw_notice notice = {.kind = GW_NOTICE_CHANNEL,
                      .event = n->what,
                      .channel = name_of(n),
                      .client = n->client,
                      .connection = n->connection,
                      .user = user_of(n)};
  if (h->on_channel != NULL) h->on_channel(h->on_channel_user, &notice);
  if (h->news_space != NULL && n->ns->events) publish(h, n);
}

/** Take the oldest; what is published may lead to no more, as the channel that
 * it goes to is the server's own. */
void gws_news_flush(gw_hub *h) {
  while (h->news != NULL) {
    gws_piece *n = h->news;
    h->news = n->next;
    if (h->news == NULL) h->last_news = NULL;
    h->num_news--;
    hand_on(h, n);
    gw_mem_free(n);
  }
}

void gws_news_free(gw_hub *h) {
  while (h->news != NULL) {
    gws_piece *n = h->news;
    h->news = n->next;
    gw_mem_free(n);
  }
}
