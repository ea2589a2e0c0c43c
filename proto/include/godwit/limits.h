/* SPDX-License-Identifier: MIT */
/* limits.h - every limit of the protocol layer and the cores, with its reason.
 */
#ifndef GODWIT_LIMITS_H
#define GODWIT_LIMITS_H

/** Protocol version that Hello carries. */
#define GW_PROTOCOL_VERSION 1u

/** Bytes of a client instance id: enough that two never meet by chance. */
#define GW_INSTANCE_BYTES 16u

/** A frame's length prefix at most: a varint of 32 bits. */
#define GW_FRAME_PREFIX_MAX 5u

/** Length prefix, type, flags, request id and channel id at most. */
#define GW_FRAME_HEAD_MAX (GW_FRAME_PREFIX_MAX + 1u + 1u + 5u + 5u)

/** Default for a frame without its prefix: chat, state and sensor messages are
 * far below, and one peer's frame cannot hold up the others for long. */
#define GW_MAX_FRAME_BYTES (64u * 1024u)

/** No configuration may allow a larger frame: buffers are sized in 32 bits. */
#define GW_MAX_FRAME_BYTES_HARD (16u * 1024u * 1024u)

/** Channel names: room for a namespace, a path and two UUIDs. */
#define GW_MAX_CHANNEL_BYTES 255u

/** Subscriptions of one connection. */
#define GW_MAX_SUBSCRIPTIONS 1024u

/** State name and data of one presence member: it is sent to everybody. */
#define GW_MAX_PRESENCE_BYTES 2048u
#define GW_MAX_STATE_BYTES    64u
/** Members of one presence that a client keeps. */
#define GW_MAX_PRESENCE_FULL 65536u

/** Members and roles of one group: its changes are told to all workers. */
#define GW_MAX_GROUP_MEMBERS 10000u
#define GW_MAX_GROUP_ROLES   16u
/** Names of roles and of an application's permissions: each group keeps its own. */
#define GW_MAX_ROLE_BYTES 64u

/** Users of one request about a group, and channels of one message. */
#define GW_MAX_NAMES 1000u

/** What kind a message is. */
#define GW_MAX_EVENT_BYTES 64u

/** User ids, method names and client names. */
#define GW_MAX_USER_BYTES   255u
#define GW_MAX_METHOD_BYTES 255u
#define GW_MAX_AGENT_BYTES  128u
#define GW_MAX_TOKEN_BYTES  (8u * 1024u)

/** What a token tells about its user beside the name: it stays with the
 * connection. */
#define GW_MAX_INFO_BYTES 2048u

/** Free text in errors and closes. A WebSocket close frame holds 123 bytes. */
#define GW_MAX_REASON_BYTES 120u

/** What a publication is about: room for a path and two UUIDs, as in the name
 * of a channel. */
#define GW_MAX_ITEM_BYTES 255u

/** Tags of a publication: what subscribers may want to choose by. Each filter
 * looks through all of them. */
#define GW_MAX_TAGS            16u
#define GW_MAX_TAG_NAME_BYTES  64u
#define GW_MAX_TAG_VALUE_BYTES 255u

/** A filter, which is run for each publication: terms, results that wait for
 * their operator, and bytes in all. */
#define GW_MAX_FILTER_TERMS 64u
#define GW_MAX_FILTER_DEPTH 32u
#define GW_MAX_FILTER_BYTES 2048u

/** A filtered subscriber is told its position after so many publications that
 * it was not sent, or this long after one: what it would lose is so old at most
 * when it comes back. */
#define GW_FILTERED_MAX    256u
#define GW_FILTERED_MAX_MS 5000u

/** JSON about a subscription, and about a channel. */
#define GW_MAX_SUB_META_BYTES     1024u
#define GW_MAX_CHANNEL_META_BYTES 4096u

/** Parts of a name that wildcards are looked for in: a match visits two branches
 * at each at most. */
#define GW_MAX_NAME_PARTS 16u

/** Calls that one side may have open on the other. */
#define GW_MAX_CALLS 256u

/** Outbound bytes that a server keeps for one connection that does not read. */
#define GW_MAX_QUEUE_BYTES (1024u * 1024u)

/** Bytes of data that a client lets come before it has handed on any: 2.5 MB a
 * second over a round trip of 100 ms, a quarter of what a server keeps. */
#define GW_CREDIT_BYTES (256u * 1024u)

/** Credit that a connection can have at a time: what 10 Gbit/s carry in 50 ms.
 * More is a mistake, and would overflow in the end. */
#define GW_MAX_CREDIT_BYTES (64u * 1024u * 1024u)

/** Bytes of one chunk of a recovery, and of a part of a presence snapshot. */
#define GW_RECOVERY_CHUNK_BYTES (32u * 1024u)

/** Bytes of publications that are gathered at most before they go out together:
 * beyond, a larger message spares little more. */
#define GW_BATCH_BYTES (16u * 1024u)

/** Payloads from here on are tried as deltas: of shorter ones the frame's other
 * fields are the larger part. */
#define GW_DELTA_MIN_BYTES 128u

/** Bodies from here on are compressed: shorter ones have little that repeats, and
 * fit into a packet or two as they are. */
#define GW_COMPRESSION_MIN_BYTES 1024u

/** Publications of one client in a channel from the oldest that is not settled
 * on: servers and receivers remember so many keys of it to tell repeats. */
#define GW_MAX_INFLIGHT 64u

/** Publishers that a receiver remembers per channel to tell repeats. */
#define GW_MAX_PUBLISHERS 256u

/** The server pings after this long without a byte from the client. */
#define GW_PING_INTERVAL_MS     25000u
#define GW_PING_INTERVAL_MIN_MS 1000u
#define GW_PING_INTERVAL_MAX_MS 120000u

/** How much longer than the interval each side waits. */
#define GW_PING_TIMEOUT_MS 10000u

/** From accepting a connection to its Hello. */
#define GW_HANDSHAKE_TIMEOUT_MS 10000u

/** A lost client stays present for this long, so that a reconnect is silent. */
#define GW_PRESENCE_GRACE_MS 15000u

/** Joins and leaves are gathered for this long before they are sent. */
#define GW_PRESENCE_COALESCE_MS 50u

/** Default time for a call or another request. */
#define GW_REQUEST_TIMEOUT_MS     10000u
#define GW_REQUEST_TIMEOUT_MAX_MS 300000u

/** How long a server remembers idempotency keys: longer than any retry. */
#define GW_DEDUP_WINDOW_MS (10u * 60u * 1000u)

#endif
