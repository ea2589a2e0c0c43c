/* SPDX-License-Identifier: MIT */
/* json_schema.c - types and fields by number and by JSON name. The only file of
 * the server that sees what protobuf-c generates. */
#include "server/core/json_schema.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "godwit.pb-c.h"
#include "godwit/codes.h"

/* clang-format off */
static const gw__json_type types[] = {
#define ROW(NUMBER, name, message) \
  {GW_FRAME_##NUMBER, #name, &godwit__v1__##message##__descriptor}
  ROW(HELLO, hello, hello),
  ROW(WELCOME, welcome, welcome),
  ROW(PING, ping, ping),
  ROW(PONG, pong, pong),
  ROW(CLOSE, close, close),
  ROW(ERROR, error, error),
  ROW(OK, ok, ok),
  ROW(SUBSCRIBE, subscribe, subscribe),
  ROW(SUBSCRIBED, subscribed, subscribed),
  ROW(UNSUBSCRIBE, unsubscribe, unsubscribe),
  ROW(UNSUBSCRIBED, unsubscribed, unsubscribed),
  ROW(PUBLISH, publish, publish),
  ROW(PUBLISHED, published, published),
  ROW(PUBLICATION, publication, publication),
  ROW(RECOVERY, recovery, recovery),
  ROW(LAGGED, lagged, lagged),
  ROW(PRESENCE_SET, presence_set, presence_set),
  ROW(PRESENCE_LEAVE, presence_leave, presence_leave),
  ROW(PRESENCE_GET, presence_get, presence_get),
  ROW(PRESENCE_SNAPSHOT, presence_snapshot, presence_snapshot),
  ROW(PRESENCE_DIFF, presence_diff, presence_diff),
  ROW(MESSAGE, message, message),
  ROW(SEND, send, send),
  ROW(SENT, sent, sent),
  ROW(RPC, rpc, rpc),
  ROW(RPC_RESULT, rpc_result, rpc_result),
  ROW(REFRESH, refresh, refresh),
  ROW(REFRESHED, refreshed, refreshed),
  ROW(SERVER_SUBSCRIBED, server_subscribed, server_subscribed),
  ROW(CREDIT, credit, credit),
  ROW(CHANNEL_META, channel_meta, channel_meta),
#undef ROW
};
/* clang-format on */

#define NUM_TYPES (sizeof types / sizeof types[0])

const gw__json_type *gw__json_type_of(uint8_t number) {
  for (size_t i = 0; i < NUM_TYPES; i++) {
    if (types[i].number == number) return &types[i];
  }
  return NULL;
}

/** Whether the key is the name, or its lowerCamelCase form. */
static bool is_named(const char *key, const char *name) {
  if (strcmp(key, name) == 0) return true;
  char camel[GW__JSON_NAME_MAX];
  size_t len = gw__json_name(camel, name);
  return strlen(key) == len && memcmp(key, camel, len) == 0;
}

const gw__json_type *gw__json_type_named(const char *key) {
  for (size_t i = 0; i < NUM_TYPES; i++) {
    if (is_named(key, types[i].name)) return &types[i];
  }
  return NULL;
}

int gw__json_field_named(const ProtobufCMessageDescriptor *message,
                         const char *key) {
  for (unsigned i = 0; i < message->n_fields; i++) {
    if (is_named(key, message->fields[i].name)) return (int)i;
  }
  return -1;
}

bool gw__json_is_any(const ProtobufCMessageDescriptor *message) {
  return strcmp(message->short_name, "Json") == 0;
}

size_t gw__json_name(char to[GW__JSON_NAME_MAX], const char *name) {
  size_t len = 0;
  bool raise = false;
  for (; *name != '\0'; name++) {
    if (*name == '_') {
      raise = true;
      continue;
    }
    assert(len < GW__JSON_NAME_MAX);
    to[len++] = raise ? (char)toupper((unsigned char)*name) : *name;
    raise = false;
  }
  return len;
}
