/* SPDX-License-Identifier: MIT */
/* notice.c - news of channels, gathered and handed on. */
#include "server/core/notice.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/channel.h"
#include "server/core/mail.h"
#include "server/core/session.h"

struct gws_noted {
  gws_noted *next;
  enum gw_notice what;
  const gw_namespace *ns;
  uint64_t client;
  uint64_t connection;
  uint8_t name_len;
  uint8_t user_len;
  uint8_t texts[]; /**< name, user */
};

static const char *const names[] = {
    [GW_NOTICE_CREATED] = "created",
    [GW_NOTICE_SUBSCRIBED] = "subscribed",
    [GW_NOTICE_UNSUBSCRIBED] = "unsubscribed",
    [GW_NOTICE_DESTROYED] = "destroyed",
};

bool gws_name_is_own(gw_view name) {
  return name.len != 0 && name.data[0] == '$';
}

/* ---- gathering ------------------------------------------------------------- */

static void count(gw_hub *h, enum gw_notice what) {
  _Atomic uint64_t *const counters[] = {
      [GW_NOTICE_CREATED] = &h->stats.channels_created_total,
      [GW_NOTICE_SUBSCRIBED] = &h->stats.subscribed_total,
      [GW_NOTICE_UNSUBSCRIBED] = &h->stats.unsubscribed_total,
      [GW_NOTICE_DESTROYED] = &h->stats.channels_destroyed_total,
  };
  gw_stat_add(counters[what], 1);
}

/** Whether anybody wants to know. */
static bool is_wanted(const gw_hub *h, const gw_channel *ch) {
  bool is_published = h->notice_space != NULL && ch->ns->events;
  return (h->on_notice != NULL || is_published) &&
         !gws_name_is_own(gws_channel_name(ch)) &&
         h->port.random != NULL; /* the hub is not being freed */
}

static gws_noted *make(const gw_channel *ch, enum gw_notice what,
                       const gw_session *s) {
  gw_view user = s != NULL ? gws_session_user(s) : (gw_view){NULL, 0};
  gws_noted *n = gw_mem_alloc(sizeof *n + ch->name_len + user.len);
  if (n == NULL) return NULL;
  *n = (gws_noted){.what = what,
                   .ns = ch->ns,
                   .client = s != NULL ? s->client : 0,
                   .connection = s != NULL ? s->connection : 0,
                   .name_len = ch->name_len,
                   .user_len = (uint8_t)user.len};
  memcpy(n->texts, ch->name, ch->name_len);
  if (user.len != 0) memcpy(n->texts + ch->name_len, user.data, user.len);
  return n;
}

void gws_notice(gw_channel *ch, enum gw_notice what, const gw_session *s) {
  gw_hub *h = ch->hub;
  count(h, what);
  if (!is_wanted(h, ch)) return;
  gws_noted *n = h->num_notices < GWS_NOTICES_MAX ? make(ch, what, s) : NULL;
  if (n == NULL) {
    gw_stat_add(&h->stats.notices_lost_total, 1);
    return;
  }
  *(h->last_notice != NULL ? &h->last_notice->next : &h->notices) = n;
  h->last_notice = n;
  h->num_notices++;
}

/* ---- handing on ------------------------------------------------------------ */

static gw_view name_of(const gws_noted *n) {
  return (gw_view){n->texts, n->name_len};
}

static gw_view user_of(const gws_noted *n) {
  return (gw_view){n->texts + n->name_len, n->user_len};
}

/** To be freed; NULL when out of memory. */
static char *json_of(const gws_noted *n) {
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

static void publish(gw_hub *h, const gws_noted *n) {
  uint8_t space[256];
  gw_out out = {space, 0, sizeof space};
  gw_list tags = {.num = 0};
  char *json = json_of(n);
  gw_publish_command cmd = {
      .msg = {.channel = gw_view_of(GWS_NOTICE_CHANNEL), .item = name_of(n)}};
  if (json != NULL &&
      add_tag(&out, &tags, "event", gw_view_of(names[n->what])) &&
      add_tag(&out, &tags, "namespace", gw_view_of(n->ns->name))) {
    cmd.msg.json = gw_view_of(json);
    cmd.msg.tags = tags;
    if (!gws_publish_own(h, &cmd)) gw_stat_add(&h->stats.notices_lost_total, 1);
  } else {
    gw_stat_add(&h->stats.notices_lost_total, 1);
  }
  free(json);
}

static void hand_on(gw_hub *h, const gws_noted *n) {
  gw_notice_event e = {.what = n->what,
                       .ns = n->ns,
                       .channel = name_of(n),
                       .client = n->client,
                       .connection = n->connection,
                       .user = user_of(n)};
  if (h->on_notice != NULL) h->on_notice(h->on_notice_user, &e);
  if (h->notice_space != NULL && n->ns->events) publish(h, n);
}

/** Take the oldest; what is published may lead to no more, as the channel that
 * it goes to is the server's own. */
void gws_notices_flush(gw_hub *h) {
  while (h->notices != NULL) {
    gws_noted *n = h->notices;
    h->notices = n->next;
    if (h->notices == NULL) h->last_notice = NULL;
    h->num_notices--;
    hand_on(h, n);
    gw_mem_free(n);
  }
}

void gws_notices_free(gw_hub *h) {
  while (h->notices != NULL) {
    gws_noted *n = h->notices;
    h->notices = n->next;
    gw_mem_free(n);
  }
}

void gw_hub_set_on_notice(gw_hub *h, gw_on_notice on_notice, void *user) {
  h->on_notice = on_notice;
  h->on_notice_user = user;
}
