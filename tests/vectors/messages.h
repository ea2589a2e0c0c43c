/* SPDX-License-Identifier: MIT */
/* messages.h - what tests need to know of each message: its fields, and the
 * frame types that carry it. Written apart from codec.c, so that a field which
 * is forgotten there is missed here. */
#ifndef GODWIT_TESTS_MESSAGES_H
#define GODWIT_TESTS_MESSAGES_H

#include "godwit/wire.h"

/* clang-format off */

/* F(name): a field; L(name, message): a list; of texts: L(name, text). */
#define FIELDS_hello(F, L)                                                     \
  F(version) F(features) F(instance) F(token) F(resume) F(ping_interval_ms)    \
  F(agent) F(user) F(credit_bytes) F(codec)
#define FIELDS_limits(F, L)                                                    \
  F(max_frame_bytes) F(max_message_bytes) F(max_channel_bytes)                 \
  F(max_subscriptions) F(max_presence_bytes) F(max_calls) F(max_queue_bytes)   \
  F(publish_per_second) F(max_group_members) F(max_group_roles)
#define FIELDS_welcome(F, L)                                                   \
  F(version) F(features) F(connection) F(client) F(user) F(limits)             \
  F(ping_interval_ms) F(ping_timeout_ms) F(time_ms) F(server) F(node)          \
  F(resume) F(resumed) F(token_ttl_ms)
#define FIELDS_ping(F, L) F(time)
#define FIELDS_close(F, L)                                                     \
  F(code) F(reason) F(retry_after_ms) F(spread_ms) F(endpoint)
#define FIELDS_error(F, L) F(code) F(message) F(retry_after_ms) F(field)
#define FIELDS_subscribe(F, L)                                                 \
  F(channel) F(recover) F(epoch) F(offset) F(token) F(overflow) F(presence)    \
  F(by_server) L(filter, filter_term) F(meta) F(delta)
#define FIELDS_filter_term(F, L) F(op) F(tag) L(values, text) F(count)
#define FIELDS_tag(F, L) F(name) F(value)
#define FIELDS_channel_meta(F, L) F(meta)
#define FIELDS_subscribed(F, L)                                                \
  F(epoch) F(offset) F(result) F(gap) F(gap_from) F(gap_to) F(live)            \
  F(token_ttl_ms) F(wildcard) F(meta) F(delta)
#define FIELDS_server_subscribed(F, L) F(channel) F(epoch) F(offset)
#define FIELDS_unsubscribed(F, L) F(code) F(reason)
#define FIELDS_publish(F, L)                                                   \
  F(channel) F(data) F(json) F(key) F(after) F(no_echo) F(compare) F(epoch)    \
  F(offset) F(ttl_ms) F(item) L(tags, tag) F(removed) F(compare_item) F(meta)
#define FIELDS_published(F, L) F(epoch) F(offset) F(duplicate)
#define FIELDS_publication(F, L)                                               \
  F(offset) F(data) F(json) F(client) F(key) F(user) F(time_ms) F(no_echo)     \
  F(item) L(tags, tag) F(removed) F(channel) F(epoch) F(delta)         \
  F(delta_base)
#define FIELDS_recovery(F, L)                                                  \
  F(from) F(to) F(live) F(gap) F(gap_from) F(gap_to)
#define FIELDS_lagged(F, L) F(from) F(to) F(count) F(reason)
#define FIELDS_presence_set(F, L) F(state) F(data) F(json) F(merge) F(idle_ms)
#define FIELDS_presence_get(F, L) F(channel)
#define FIELDS_presence_member(F, L)                                           \
  F(client) F(user) F(state) F(data) F(json) F(since_ms)
#define FIELDS_presence_snapshot(F, L)                                         \
  F(version) L(members, presence_member) F(more) F(mode) F(clients) F(users)
#define FIELDS_presence_change(F, L) F(kind) F(member) F(first) F(last)
#define FIELDS_presence_diff(F, L)                                             \
  F(version) L(changes, presence_change) F(clients) F(users)
#define FIELDS_send(F, L)                                                      \
  F(user) F(client) F(connection) F(group) L(channels, text) F(everybody)      \
  F(no_echo) F(event) F(data) F(json)
#define FIELDS_sent(F, L) F(receivers)
#define FIELDS_message(F, L)                                                   \
  F(client) F(user) F(to) F(group) F(event) F(data) F(json) F(time_ms)
#define FIELDS_rpc(F, L)                                                       \
  F(method) F(data) F(json) F(timeout_ms) F(to) F(from) F(from_user)
#define FIELDS_rpc_result(F, L) F(data) F(json)
#define FIELDS_refresh(F, L) F(token)
#define FIELDS_refreshed(F, L) F(token_ttl_ms)
#define FIELDS_credit(F, L) F(bytes)

/* X(type, our name, protobuf-c's names): frames with a body. */
#define FRAME_BODIES(X)                                                        \
  X(HELLO, hello, hello, Hello)                                                \
  X(WELCOME, welcome, welcome, Welcome)                                        \
  X(PING, ping, ping, Ping)                                                    \
  X(PONG, ping, pong, Pong)                                                    \
  X(CLOSE, close, close, Close)                                                \
  X(ERROR, error, error, Error)                                                \
  X(SUBSCRIBE, subscribe, subscribe, Subscribe)                                \
  X(SUBSCRIBED, subscribed, subscribed, Subscribed)                            \
  X(SERVER_SUBSCRIBED, server_subscribed, server_subscribed,                   \
    ServerSubscribed)                                                          \
  X(UNSUBSCRIBED, unsubscribed, unsubscribed, Unsubscribed)                    \
  X(PUBLISH, publish, publish, Publish)                                        \
  X(PUBLISHED, published, published, Published)                                \
  X(PUBLICATION, publication, publication, Publication)                        \
  X(RECOVERY, recovery, recovery, Recovery)                                    \
  X(LAGGED, lagged, lagged, Lagged)                                            \
  X(PRESENCE_SET, presence_set, presence_set, PresenceSet)                     \
  X(PRESENCE_GET, presence_get, presence_get, PresenceGet)                     \
  X(PRESENCE_SNAPSHOT, presence_snapshot, presence_snapshot, PresenceSnapshot) \
  X(PRESENCE_DIFF, presence_diff, presence_diff, PresenceDiff)                 \
  X(SEND, send, send, Send)                                                    \
  X(SENT, sent, sent, Sent)                                                    \
  X(MESSAGE, message, message, Message)                                        \
  X(RPC, rpc, rpc, Rpc)                                                        \
  X(RPC_RESULT, rpc_result, rpc_result, RpcResult)                             \
  X(REFRESH, refresh, refresh, Refresh)                                        \
  X(REFRESHED, refreshed, refreshed, Refreshed)                                \
  X(CREDIT, credit, credit, Credit)                                            \
  X(CHANNEL_META, channel_meta, channel_meta, ChannelMeta)

/* clang-format on */

#endif
