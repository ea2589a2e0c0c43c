/* SPDX-License-Identifier: MIT */
/* agree.h - whether the codec and protobuf-c read a message to the same fields. */
#ifndef GODWIT_TESTS_AGREE_H
#define GODWIT_TESTS_AGREE_H

#include <string.h>

#include "godwit.pb-c.h"
#include "messages.h"

/** What an agree_ function returns for an item that the codec refuses. */
static const char agree_item_refused[] = "(an item)";

static bool agree_number(uint64_t ours, uint64_t theirs) {
  return ours == theirs;
}

static bool agree_bool(bool ours, protobuf_c_boolean theirs) {
  return ours == (theirs != 0);
}

/** protobuf-c's texts are C strings, and so end at a NUL. */
static bool agree_text(gw_view ours, const char *theirs) {
  size_t len = strlen(theirs);
  bool is_cut = ours.len > len && ours.data[len] == 0;
  if (is_cut) ours.len = len;
  return gw_view_eq(ours, (gw_view){(const uint8_t *)theirs, len});
}

static bool agree_bytes(gw_view ours, ProtobufCBinaryData theirs) {
  return gw_view_eq(ours, (gw_view){theirs.data, theirs.len});
}

static bool agree_nested_limits(gw_limits ours,
                                const Godwit__V1__Limits *theirs);
static bool agree_nested_member(gw_presence_member ours,
                                const Godwit__V1__PresenceMember *theirs);

/* clang-format off */
#define AGREE_F(name)                                                          \
  if (!_Generic((theirs->name),                                                \
           char *: agree_text,                                               \
           ProtobufCBinaryData: agree_bytes,                                   \
           Godwit__V1__Limits *: agree_nested_limits,                          \
           Godwit__V1__PresenceMember *: agree_nested_member,                  \
           protobuf_c_boolean: agree_bool,                                     \
           default: agree_number)(ours->name, theirs->name))                   \
    return #name;
/* clang-format on */

#define AGREE_L(name, kind)                                       \
  gw_list list = ours->name;                                      \
  gw_view item;                                                   \
  if (list.num != theirs->n_##name) return #name;                 \
  for (size_t i = 0; i < theirs->n_##name; i++) {                 \
    if (!gw_list_next(&list, &item)) return #name;                \
    const char *field = agree_item_##kind(item, theirs->name[i]); \
    if (field != NULL) return field;                              \
  }                                                               \
  if (gw_list_next(&list, &item)) return #name;

/** An item that is a message. */
#define AGREE_ITEM(message, Message)                                   \
  static const char *agree_item_##message(                             \
      gw_view item, const Godwit__V1__##Message *theirs) {             \
    gw_##message m;                                                    \
    if (gw_decode_##message(item, &m) != 0) return agree_item_refused; \
    return agree_##message(&m, theirs);                                \
  }

static const char *agree_item_text(gw_view item, const char *theirs) {
  return agree_text(item, theirs) ? NULL : "(a text)";
}

/** Name of the first field that differs, or NULL. */
#define AGREE_AS(message, schema_name, Message)                        \
  static const char *agree_##schema_name(                              \
      const gw_##message *ours, const Godwit__V1__##Message *theirs) { \
    FIELDS_##message(AGREE_F, AGREE_L) return NULL;                    \
  }
#define AGREE(message, Message) AGREE_AS(message, message, Message)

AGREE(tag, Tag)
AGREE_ITEM(tag, Tag)
AGREE(filter_term, FilterTerm)
AGREE_ITEM(filter_term, FilterTerm)
AGREE(limits, Limits)
AGREE(presence_member, PresenceMember)
AGREE_ITEM(presence_member, PresenceMember)
AGREE(presence_change, PresenceChange)
AGREE_ITEM(presence_change, PresenceChange)
AGREE(hello, Hello)
AGREE(welcome, Welcome)
AGREE(ping, Ping)
AGREE_AS(ping, pong, Pong)
AGREE(close, Close)
AGREE(error, Error)
AGREE(subscribe, Subscribe)
AGREE(subscribed, Subscribed)
AGREE(server_subscribed, ServerSubscribed)
AGREE(unsubscribed, Unsubscribed)
AGREE(publish, Publish)
AGREE(published, Published)
AGREE(publication, Publication)
AGREE(recovery, Recovery)
AGREE(lagged, Lagged)
AGREE(presence_set, PresenceSet)
AGREE(presence_get, PresenceGet)
AGREE(presence_snapshot, PresenceSnapshot)
AGREE(presence_diff, PresenceDiff)
AGREE(send, Send)
AGREE(sent, Sent)
AGREE(message, Message)
AGREE(rpc, Rpc)
AGREE(rpc_result, RpcResult)
AGREE(refresh, Refresh)
AGREE(refreshed, Refreshed)
AGREE(credit, Credit)
AGREE(channel_meta, ChannelMeta)
#undef AGREE
#undef AGREE_AS
#undef AGREE_ITEM

/* A nested message that is absent reads as one with nothing set. */

static bool agree_nested_limits(gw_limits ours,
                                const Godwit__V1__Limits *theirs) {
  static const Godwit__V1__Limits none = GODWIT__V1__LIMITS__INIT;
  return agree_limits(&ours, theirs != NULL ? theirs : &none) == NULL;
}

static bool agree_nested_member(gw_presence_member ours,
                                const Godwit__V1__PresenceMember *theirs) {
  static const Godwit__V1__PresenceMember none =
      GODWIT__V1__PRESENCE_MEMBER__INIT;
  return agree_presence_member(&ours, theirs != NULL ? theirs : &none) == NULL;
}

#endif
