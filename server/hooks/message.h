/* SPDX-License-Identifier: MIT */
/* message.h - questions and notices as JSON, and what replies say
 * (proto/hooks.proto). */
#ifndef GODWIT_HOOKS_MESSAGE_H
#define GODWIT_HOOKS_MESSAGE_H

#include <protobuf-c/protobuf-c.h>

#include "godwit/request.h"
#include "server/config/config.h"
#include "server/core/ask.h"
#include "server/core/notice.h"

/** A call of a client that the backend answers. */
typedef struct gw_hook_rpc {
  uint64_t client;
  gw_view user;
  const gw_rpc *rpc;
} gw_hook_rpc;

/* JSON text, to be freed; NULL when out of memory. */

/** request: of a CONNECT; NULL: it is not known. */
char *gw_hook_question_json(const gw_question *q, const gw_request *request,
                            const char *node, size_t *len);
char *gw_hook_rpc_json(const gw_hook_rpc *call, const char *node, size_t *len);
char *gw_hook_notice_json(const gw_notice *n, const char *node, size_t *len);

/** Which hook a question goes to; GW_NUM_HOOKS: none. */
enum gw_config_hook gw_hook_of(enum gw_ask kind);

/** What a reply says. Views are in it, until gw_hook_reply_deinit. */
typedef struct gw_hook_reply {
  gw_verdict verdict;   /**< of a question */
  gw_rpc_result result; /**< of a call that verdict.code is OK for */
  /* private */
  ProtobufCMessage *message;
  gw_view *channels;
} gw_hook_reply;

/**
 * Read a reply of a hook that asks.
 *   returns  0; GW_ERR_PROTOCOL: it is no such message, why gets a sentence (at
 *            least GW_MAX_REASON_BYTES + 1); GW_ERR_NOMEM
 */
GW_MUST_USE int gw_hook_reply_read(gw_hook_reply *r, enum gw_config_hook hook,
                                   gw_view json, char *why);
void gw_hook_reply_deinit(gw_hook_reply *r);

#endif
