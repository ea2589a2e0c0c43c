/* SPDX-License-Identifier: MIT */
/* api_method.h - what a method of the API is made of. */
#ifndef GODWIT_SERVER_API_METHOD_H
#define GODWIT_SERVER_API_METHOD_H

#include <protobuf-c/protobuf-c.h>

#include "server/core/api.h"

/** Where a method runs. */
enum gws_api_place {
  GWS_API_HERE,  /**< on the worker that is asked */
  GWS_API_OWNER, /**< on the owner of the channel that the request names */
  GWS_API_ALL    /**< on each worker; the replies are put together */
};

/** A reply that is being made: encoded messages of the reply's type, one after
 * the other, which Protocol Buffers take for one. */
typedef struct gws_reply {
  uint8_t *data;
  size_t len;
  size_t cap;
  bool failed;     /**< no memory, or more than a reply may have */
  const char *why; /**< a literal beside a code; NULL */
} gws_reply;

/** Bytes of one worker's reply. */
#define GWS_REPLY_MAX (16u * 1024u * 1024u)

void gws_reply_add(gws_reply *r, const ProtobufCMessage *part);

/** Do it on this hub. Returns GW_CODE_OK, or why not. */
typedef uint32_t (*gws_api_run)(gw_hub *h, const gw_caller *caller,
                                const ProtobufCMessage *request, gws_reply *r);

struct gw_api_method {
  const char *name;
  const ProtobufCMessageDescriptor *request;
  const ProtobufCMessageDescriptor *reply;
  enum gws_api_place place;
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
uint32_t gws_api_history(gw_hub *h, const gw_caller *caller,
                         const ProtobufCMessage *request, gws_reply *r);

uint32_t gws_api_revoke(gw_hub *h, const gw_caller *caller,
                        const ProtobufCMessage *request, gws_reply *r);
uint32_t gws_api_disconnect(gw_hub *h, const gw_caller *caller,
                            const ProtobufCMessage *request, gws_reply *r);

/* ---- workers (api.c) ----------------------------------------------------- */

typedef struct gw_mail gw_mail;
void gws_api_on_mail(gw_hub *h, gw_mail *m);
void gws_api_on_done(gw_hub *h, gw_mail *m);
void gws_api_free(gw_hub *h);

#endif
