/* SPDX-License-Identifier: MIT */
/* layout.h - places in structs that JavaScript reads and writes in the module's
 * memory. Where the compiler disagrees with src/layout.ts, the build stops. */
#ifndef GODWIT_WASM_LAYOUT_H
#define GODWIT_WASM_LAYOUT_H

#include <assert.h>

#include "wasm/bridge.h"

/** The word of a struct that a field begins at. */
#define AT(type, field, word)                       \
  static_assert(offsetof(type, field) == (word)*4u, \
                #type "." #field " is elsewhere in layout.ts")

AT(bridge, records, 0);
AT(bridge, records.len, 1);
AT(bridge, texts, 3);
AT(bridge, texts.len, 4);
AT(bridge, bytes, 6);
AT(bridge, has_timer, 9);
AT(bridge, timer_ms, 10);
AT(bridge, returned, 12);

static_assert(sizeof(gw_event) == 28 * 4, "RECORD_WORDS in layout.ts");
AT(gw_event, type, 0);
AT(gw_event, u.state.from, 4);
AT(gw_event, u.state.to, 5);
AT(gw_event, u.state.code, 6);
AT(gw_event, u.state.reason, 7);
AT(gw_event, u.state.attempt, 9);
AT(gw_event, u.state.retry_at_ms, 10);
AT(gw_event, u.sub.sub, 4);
AT(gw_event, u.sub.to, 8);
AT(gw_event, u.sub.code, 9);
AT(gw_event, u.sub.reason, 10);
AT(gw_event, u.sub.channel, 5);
AT(gw_event, u.sub.recovery, 12);
AT(gw_event, u.sub.by_server, 13);
static_assert(offsetof(gw_event, u.sub.delta) == 13 * 4 + 1, "bit 8");
AT(gw_event, u.sub.position, 14);
AT(gw_event, u.publication.sub, 4);
AT(gw_event, u.publication.own, 5);
AT(gw_event, u.publication.position, 6);
AT(gw_event, u.publication.payload.type, 10);
AT(gw_event, u.publication.payload.bytes, 11);
AT(gw_event, u.publication.client, 14);
AT(gw_event, u.publication.key, 16);
AT(gw_event, u.publication.user, 18);
AT(gw_event, u.publication.time_ms, 20);
AT(gw_event, u.publication.item, 22);
static_assert(offsetof(gw_event, u.publication.removed) == 21, "bits 8 to 15");
AT(gw_event, u.publication.channel, 24);
AT(gw_event, u.publication.body, 26);
AT(gw_event, u.gap.sub, 4);
AT(gw_event, u.gap.reason, 5);
AT(gw_event, u.gap.from, 6);
AT(gw_event, u.gap.to, 8);
AT(gw_event, u.gap.position, 10);
AT(gw_event, u.published.key, 4);
AT(gw_event, u.published.code, 6);
AT(gw_event, u.published.reason, 7);
AT(gw_event, u.published.position, 10);
AT(gw_event, u.published.duplicate, 14);
AT(gw_event, u.published.field, 15);
AT(gw_event, u.published.retry_after_ms, 17);
AT(gw_event, u.presence.sub, 4);
AT(gw_event, u.presence.kind, 5);
AT(gw_event, u.presence.member.client, 6);
AT(gw_event, u.presence.member.user, 8);
AT(gw_event, u.presence.member.state, 10);
AT(gw_event, u.presence.member.data, 12);
AT(gw_event, u.presence.member.json, 14);
AT(gw_event, u.presence.member.since_ms, 16);
AT(gw_event, u.presence.own, 18);
static_assert(offsetof(gw_event, u.presence.first) == 18 * 4 + 1, "bit 8");
static_assert(offsetof(gw_event, u.presence.last) == 18 * 4 + 2, "bit 16");
AT(gw_event, u.presence_sync.sub, 4);
AT(gw_event, u.presence_sync.version, 6);
AT(gw_event, u.presence_sync.numbers.mode, 9);
AT(gw_event, u.presence_sync.numbers.clients, 10);
AT(gw_event, u.presence_sync.numbers.users, 11);
AT(gw_event, u.presence_sync.anew, 12);
AT(gw_event, u.reply.request, 4);
AT(gw_event, u.reply.code, 5);
AT(gw_event, u.reply.reason, 6);
AT(gw_event, u.reply.retry_after_ms, 8);
AT(gw_event, u.reply.payload.type, 9);
AT(gw_event, u.reply.payload.bytes, 10);
AT(gw_event, u.reply.more, 13);
AT(gw_event, u.call.call, 4);
AT(gw_event, u.call.method, 5);
AT(gw_event, u.call.payload.type, 7);
AT(gw_event, u.call.payload.bytes, 8);
AT(gw_event, u.call.from, 10);
AT(gw_event, u.call.from_user, 12);
AT(gw_event, u.rtt.ms, 4);
AT(gw_event, u.meta.sub, 4);
AT(gw_event, u.meta.meta, 5);
AT(gw_event, u.message.client, 4);
AT(gw_event, u.message.user, 6);
AT(gw_event, u.message.to, 8);
AT(gw_event, u.message.group, 9);
AT(gw_event, u.message.event, 11);
AT(gw_event, u.message.payload.type, 13);
AT(gw_event, u.message.payload.bytes, 14);
AT(gw_event, u.message.time_ms, 16);
AT(gw_event, u.message.own, 18);
AT(gw_event, u.token.ask, 4);
AT(gw_event, u.token.sub, 5);

static_assert(sizeof(gw_client_options) == 30 * 4, "OPTIONS in layout.ts");
AT(gw_client_options, endpoints, 0);
AT(gw_client_options, num_endpoints, 1);
AT(gw_client_options, token, 2);
AT(gw_client_options, user, 4);
AT(gw_client_options, agent, 6);
AT(gw_client_options, instance, 8);
AT(gw_client_options, first_key, 10);
AT(gw_client_options, retry, 12);
AT(gw_client_options, ping_interval_ms, 18);
AT(gw_client_options, connect_timeout_ms, 19);
AT(gw_client_options, request_timeout_ms, 20);
AT(gw_client_options, suspend_after_ms, 21);
AT(gw_client_options, outbox_max_count, 22);
AT(gw_client_options, outbox_max_bytes, 23);
AT(gw_client_options, outbox_max_age_ms, 24);
AT(gw_client_options, credit_bytes, 25);
AT(gw_client_options, max_frame_bytes, 26);
AT(gw_client_options, asks_token, 27);

static_assert(sizeof(gw_retry_policy) == 6 * 4, "RETRY in layout.ts");
AT(gw_retry_policy, attempts, 0);
AT(gw_retry_policy, base_ms, 1);
AT(gw_retry_policy, cap_ms, 2);
AT(gw_retry_policy, multiplier_permille, 3);
AT(gw_retry_policy, jitter_permille, 4);
AT(gw_retry_policy, stable_ms, 5);

static_assert(sizeof(gw_sub_options) == 18 * 4, "SUBSCRIBE in layout.ts");
AT(gw_sub_options, recover, 0);
AT(gw_sub_options, since, 2);
AT(gw_sub_options, presence, 6);
static_assert(offsetof(gw_sub_options, asks_token) == 25, "bits 8 to 15");
static_assert(offsetof(gw_sub_options, delta) == 26, "bits 16 to 23");
AT(gw_sub_options, overflow, 7);
AT(gw_sub_options, token, 8);
AT(gw_sub_options, filter.num, 11);
AT(gw_sub_options, meta, 15);

static_assert(sizeof(gw_publish_options) == 16 * 4, "PUBLISH in layout.ts");
AT(gw_publish_options, no_echo, 0);
static_assert(offsetof(gw_publish_options, at_most_once) == 1, "bits 8 to 15");
static_assert(offsetof(gw_publish_options, compare) == 2, "bits 16 to 23");
static_assert(offsetof(gw_publish_options, compare_item) == 3, "bits 24 to 31");
AT(gw_publish_options, removed, 1);
AT(gw_publish_options, expected, 2);
AT(gw_publish_options, ttl_ms, 6);
AT(gw_publish_options, item.len, 8);
AT(gw_publish_options, tags.num, 10);
AT(gw_publish_options, meta.len, 15);

static_assert(sizeof(gw_call_options) == 4 * 4, "CALL in layout.ts");
AT(gw_call_options, timeout_ms, 0);
AT(gw_call_options, to, 2);

AT(gw_client_info, retry_at_ms, 6);
AT(gw_client_info, connection, 10);
AT(gw_client_info, client, 12);
AT(gw_client_info, user, 14);
AT(gw_client_info, endpoint, 16);
AT(gw_client_info, limits, 18);
AT(gw_client_info, outbox_count, 28);
AT(gw_client_info, outbox_bytes, 29);
AT(gw_client_info, num_duplicates, 32);
AT(gw_client_info, resumed, 38);

AT(gw_limits, max_frame_bytes, 0);
AT(gw_limits, max_message_bytes, 1);
AT(gw_limits, max_channel_bytes, 2);
AT(gw_limits, max_subscriptions, 3);
AT(gw_limits, max_presence_bytes, 4);
AT(gw_limits, max_calls, 5);
AT(gw_limits, max_queue_bytes, 6);
AT(gw_limits, publish_per_second, 7);
AT(gw_limits, max_group_members, 8);
AT(gw_limits, max_group_roles, 9);

#endif
