/* SPDX-License-Identifier: MIT */
/* stats.h - counters of one worker: written by its thread, read by any. */
#ifndef GODWIT_SERVER_STATS_H
#define GODWIT_SERVER_STATS_H

#include <stdatomic.h>
#include <stdint.h>

/** name, Prometheus type, help. Each is godwit_<name>, summed over workers. */
#define GW_STATS(X)                                                          \
  X(connections, gauge, "Open connections")                                  \
  X(connections_total, counter, "Connections accepted")                      \
  X(connections_refused_total, counter, "Connections refused by a limit")    \
  X(connections_connected, gauge, "Connections in the state connected")      \
  X(connections_idle, gauge, "Connections in the state idle")                \
  X(connections_reconnecting, gauge, "Connections that may come back")       \
  X(connections_error, gauge, "The same, after a fault")                     \
  X(absences_lost_total, counter, "Connections that were not waited for")    \
  X(resumed_total, counter, "Connections that were resumed")                 \
  X(resume_unknown_total, counter, "Tokens to resume by that meant nothing") \
  X(resume_refused_total, counter, "The same, of what has ended meanwhile")  \
  X(resume_expired_total, counter, "Lost connections that were not resumed") \
  X(sessions, gauge, "Connections past their handshake")                     \
  X(subscriptions, gauge, "Subscriptions")                                   \
  X(channels, gauge, "Channels owned")                                       \
  X(channels_followed, gauge, "Channels of other workers that are followed") \
  X(channels_created_total, counter, "Channels made by their owner")         \
  X(channels_destroyed_total, counter, "Owned channels that were forgotten") \
  X(subscribed_total, counter, "Subscriptions that began")                   \
  X(unsubscribed_total, counter, "Subscriptions that ended")                 \
  X(news_lost_total, counter, "News of channels that were too many")         \
  X(patterns, gauge, "Patterns of names that are subscribed to")             \
  X(members, gauge, "Presence members in owned channels")                    \
  X(frames_in_total, counter, "Frames received")                             \
  X(bytes_in_total, counter, "Bytes received in messages")                   \
  X(messages_out_total, counter, "Messages handed to transports")            \
  X(bytes_out_total, counter, "Bytes handed to transports")                  \
  X(publications_total, counter, "Publications stamped")                     \
  X(deliveries_total, counter, "Publications queued to subscribers")         \
  X(duplicates_total, counter, "Publications recognised as repeats")         \
  X(recoveries_total, counter, "Subscriptions that asked to recover")        \
  X(recovered_publications_total, counter, "Publications sent by recovery")  \
  X(gaps_total, counter, "Recoveries that ended in a gap")                   \
  X(lagged_total, counter, "Publications skipped for slow readers")          \
  X(slow_readers_total, counter, "Connections closed for not reading")       \
  X(credit_stalls_total, counter, "Times that the credit was used up")       \
  X(batches_total, counter, "Messages of several publications made")         \
  X(deltas_total, counter, "Publications queued as deltas")                  \
  X(delta_saved_bytes_total, counter, "Bytes that deltas are shorter by")    \
  X(packed_total, counter, "Messages that were compressed")                  \
  X(packed_in_bytes_total, counter, "Bytes of these before")                 \
  X(packed_out_bytes_total, counter, "Bytes of these after")                 \
  X(packed_skipped_total, counter, "Messages not worth compressing")         \
  X(packed_deliveries_total, counter, "Compressed messages handed on")       \
  X(packed_saved_bytes_total, counter, "Bytes that those are shorter by")    \
  X(queue_bytes, gauge, "Bytes waiting in outbound queues")                  \
  X(calls_total, counter, "Calls received")                                  \
  X(questions_total, counter, "Questions put to an authenticator or hook")   \
  X(frames_held, gauge, "Frames that wait for such an answer")               \
  X(acts_lost_total, counter,                                                \
    "Acts of the API that connections on their way in may have missed")      \
  X(refused_total, counter, "Requests refused by a rule or an answer")       \
  X(inspected_out_total, counter, "Of these, by the middleware")             \
  X(revocations, gauge, "Revocations that are remembered")                   \
  X(revoked_total, counter, "What ended or was refused by a revocation")     \
  X(rate_limited_total, counter, "Requests over the rate of a connection")   \
  X(user_rate_limited_total, counter, "Requests over the rate of a user")    \
  X(channel_rate_limited_total, counter,                                     \
    "Publications over the rate of a channel")                               \
  X(user_connections_refused_total, counter,                                 \
    "Connections closed as their user has as many as it may")                \
  X(user_connections_displaced_total, counter,                               \
    "Connections closed for a newer one of the same user")                   \
  X(errors_total, counter, "Error answers sent")                             \
  X(protocol_errors_total, counter,                                          \
    "Connections closed for a broken protocol")                              \
  X(oversize_total, counter, "Frames over the size limit")                   \
  X(unknown_frames_total, counter, "Frames of unknown type")                 \
  X(bad_text_total, counter, "Texts that were not valid UTF-8")              \
  X(handshake_timeouts_total, counter, "Connections that never said Hello")  \
  X(ping_timeouts_total, counter, "Connections that fell silent")            \
  X(presence_diffs_total, counter, "Presence diffs sent to channels")        \
  X(presence_modes_total, counter, "Presences that changed their mode")      \
  X(transitions_total, counter, "States of members that time has changed")   \
  X(messages_sent_total, counter, "Messages queued to connections")          \
  X(messages_dropped_total, counter, "Messages not queued to slow readers")  \
  X(groups, gauge, "Groups owned")                                           \
  X(memberships, gauge, "Members of owned groups")                           \
  X(group_changes_total, counter, "Changes of groups")                       \
  X(mail_total, counter, "Mail posted to other workers")                     \
  X(out_of_memory_total, counter, "Allocations that failed")

typedef struct gw_stats {
#define GW__STATS_FIELD(name, type, help) _Atomic uint64_t name;
  GW_STATS(GW__STATS_FIELD)
#undef GW__STATS_FIELD
} gw_stats;

/** Only the owning thread writes, so a plain load and store are enough. */
static inline void gw_stat_add(_Atomic uint64_t *s, uint64_t n) {
  atomic_store_explicit(s, atomic_load_explicit(s, memory_order_relaxed) + n,
                        memory_order_relaxed);
}

static inline void gw_stat_sub(_Atomic uint64_t *s, uint64_t n) {
  gw_stat_add(s, 0u - n);
}

static inline uint64_t gw_stat_get(const _Atomic uint64_t *s) {
  return atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)s,
                              memory_order_relaxed);
}

#endif
