/* SPDX-License-Identifier: MIT */
/* api_method.h - what a method of the API is made of. */
#ifndef GODWIT_SERVER_API_METHOD_H
#define GODWIT_SERVER_API_METHOD_H

#include <protobuf-c/protobuf-c.h>

#include "server/core/api.h"

/** Where a method runs. */
enum gws_api_place {
  GWS_API_HERE,  /**< on the worker that is asked */
  GWS_API_OWNER, /**< on the owner of the channel or group that it names */
  GWS_API_ALL,   /**< on each worker; the replies are put together */
  GWS_API_SUM    /**< the same; the reply is numbers, and they are added up */
};

/** Which clients may call a method themselves. */
enum gws_door {
  GWS_DOOR_NONE,
  GWS_DOOR_HISTORY, /**< whom allow.history of the channel lets */
  GWS_DOOR_PRESENCE,
  GWS_DOOR_SUBSCRIBE,
  GWS_DOOR_CHANNEL,
  GWS_DOOR_SEND, /**< whom the rule of the address lets */
  GWS_DOOR_OWN   /**< all; the method looks at who calls */
};

/** A reply that is being made: encoded messages of the reply's type, one after
 * the other, which Protocol Buffers take for one. */
typedef struct gws_reply {
  uint8_t *data;
  size_t len;
  size_t cap;
  bool failed;     /**< no memory, or more than a reply may have */
  const char *why; /**< beside a code: a literal, or words; NULL */
  char words[GW_MAX_REASON_BYTES + 1];
  /** For a method that answers later; see GWS_API_LATER. */
  uint64_t question;
} gws_reply;

/** Bytes of one worker's reply. */
#define GWS_REPLY_MAX (16u * 1024u * 1024u)

void gws_reply_add(gws_reply *r, const ProtobufCMessage *part);

/** How many a listing tells: 100 if nobody asks for a number, at most 10,000. */
static inline uint32_t gws_api_limit(uint32_t asked) {
  if (asked == 0) return 100;
  return asked < 10000 ? asked : 10000;
}

/** What a method that is run HERE returns to answer later, once, by
 * gws_api_answer with the question of its reply. */
#define GWS_API_LATER UINT32_MAX

/** Do it on this hub. Returns GW_CODE_OK, or why not. */
typedef uint32_t (*gws_api_run)(gw_hub *h, const gw_caller *caller,
                                const ProtobufCMessage *request, gws_reply *r);

struct gw_api_method {
  const char *name;
  const ProtobufCMessageDescriptor *request;
  const ProtobufCMessageDescriptor *reply;
  enum gws_api_place place;
  enum gws_door door;
  gws_api_run run;
  /** Of ALL: put the parts in order, as one message that replaces them. May be
   * NULL. */
  void (*finish)(const ProtobufCMessage *request, ProtobufCMessage *all);
};

/* api_channels.c, api_node.c, ...: the methods by topic. */
uint32_t gws_api_info(gw_hub *h, const gw_caller *caller,
                      const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_channels(gw_hub *h, const gw_caller *caller,
                          const ProtobufCMessage *request, gws_reply *r);
void gws_api_channels_finish(const ProtobufCMessage *request,
                             ProtobufCMessage *all);
uint32_t gws_api_channel_get(gw_hub *h, const gw_caller *caller,
                             const ProtobufCMessage *request, gws_reply *r);
void gws_api_channel_get_finish(const ProtobufCMessage *request,
                                ProtobufCMessage *all);
uint32_t gws_api_channel_set(gw_hub *h, const gw_caller *caller,
                             const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_subscribers(gw_hub *h, const gw_caller *caller,
                             const ProtobufCMessage *request, gws_reply *r);
void gws_api_subscribers_finish(const ProtobufCMessage *request,
                                ProtobufCMessage *all);
uint32_t gws_api_subscriptions(gw_hub *h, const gw_caller *caller,
                               const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_is_subscribed(gw_hub *h, const gw_caller *caller,
                               const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_map_get(gw_hub *h, const gw_caller *caller,
                         const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_history(gw_hub *h, const gw_caller *caller,
                         const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_state_get(gw_hub *h, const gw_caller *caller,
                           const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_state_list(gw_hub *h, const gw_caller *caller,
                            const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_state_set(gw_hub *h, const gw_caller *caller,
                           const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_state_remove(gw_hub *h, const gw_caller *caller,
                              const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_machine_get(gw_hub *h, const gw_caller *caller,
                             const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_publish(gw_hub *h, const gw_caller *caller,
                         const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_broadcast(gw_hub *h, const gw_caller *caller,
                           const ProtobufCMessage *request, gws_reply *r);
void gws_api_broadcast_finish(const ProtobufCMessage *request,
                              ProtobufCMessage *all);
uint32_t gws_api_subscribe(gw_hub *h, const gw_caller *caller,
                           const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_unsubscribe(gw_hub *h, const gw_caller *caller,
                             const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_disconnect(gw_hub *h, const gw_caller *caller,
                            const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_connections(gw_hub *h, const gw_caller *caller,
                             const ProtobufCMessage *request, gws_reply *r);
void gws_api_connections_finish(const ProtobufCMessage *request,
                                ProtobufCMessage *all);
uint32_t gws_api_connection_log(gw_hub *h, const gw_caller *caller,
                                const ProtobufCMessage *request, gws_reply *r);
void gws_api_connection_log_finish(const ProtobufCMessage *request,
                                   ProtobufCMessage *all);
uint32_t gws_api_presence(gw_hub *h, const gw_caller *caller,
                          const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_presence_stats(gw_hub *h, const gw_caller *caller,
                                const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_presence_of(gw_hub *h, const gw_caller *caller,
                             const ProtobufCMessage *request, gws_reply *r);
void gws_api_presence_of_finish(const ProtobufCMessage *request,
                                ProtobufCMessage *all);
uint32_t gws_api_send(gw_hub *h, const gw_caller *caller,
                      const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_group_create(gw_hub *h, const gw_caller *caller,
                              const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_group_delete(gw_hub *h, const gw_caller *caller,
                              const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_group_add(gw_hub *h, const gw_caller *caller,
                           const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_group_remove(gw_hub *h, const gw_caller *caller,
                              const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_group_set_role(gw_hub *h, const gw_caller *caller,
                                const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_group_get(gw_hub *h, const gw_caller *caller,
                           const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_groups(gw_hub *h, const gw_caller *caller,
                        const ProtobufCMessage *request, gws_reply *r);
void gws_api_groups_finish(const ProtobufCMessage *request,
                           ProtobufCMessage *all);
uint32_t gws_api_rpc(gw_hub *h, const gw_caller *caller,
                     const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_revoke(gw_hub *h, const gw_caller *caller,
                        const ProtobufCMessage *request, gws_reply *r);

/** A problem as the reason of a refusal; returns its code. */
struct gws_problem;
uint32_t gws_api_refuse(gws_reply *r, const struct gws_problem *p);

/** Append a message of a request to a list for the core, as gw_list_add does.
 *   returns  0, GW_ERR_FULL: also of one above GWS_API_ITEM_MAX */
GW_MUST_USE int gws_api_add(gw_out *out, gw_list *list,
                            const ProtobufCMessage *m);
#define GWS_API_ITEM_MAX GW_MAX_FILTER_BYTES

/** Whether a publication of the application is not too large, and says a user
 * that may be one. */
struct gw_publish_command;
uint32_t gws_api_check_publish(const gw_hub *h,
                               const struct gw_publish_command *cmd,
                               struct gws_problem *p);

/** Strings of protobuf-c end with a NUL: copy a view to *space, and step on.
 * Room is its length and 1. */
char *gws_api_text(gw_view v, char **space);

/** The channel that a request names, or that holds the scope which it names, to
 * space. GW_CODE_OK, BAD_REQUEST, BAD_CHANNEL (too long). */
uint32_t gws_api_channel_of(const gw_api_method *m, gw_view request,
                            char name[GW_MAX_CHANNEL_BYTES + 1]);

/* ---- workers (api.c) ----------------------------------------------------- */

/** The answer of GWS_API_LATER; reply: NULL when the code is not OK. A question
 * that is gone is ignored. */
void gws_api_answer(gw_hub *h, uint64_t question, uint32_t code,
                    gw_view message, const ProtobufCMessage *reply);

typedef struct gw_mail gw_mail;
void gws_api_on_mail(gw_hub *h, gw_mail *m);
void gws_api_on_done(gw_hub *h, gw_mail *m);
void gws_api_free(gw_hub *h);

#endif
