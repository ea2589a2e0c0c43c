/* SPDX-License-Identifier: MIT */
/* net_stats.h - counters of one loop's sockets: written by its thread, read by
 * any; the way of server/core/stats.h. */
#ifndef GODWIT_SERVER_NET_STATS_H
#define GODWIT_SERVER_NET_STATS_H

#include "server/core/stats.h"

/** name, Prometheus type, help. */
#define GW_NET_STATS(X)                                                        \
  X(sockets, gauge, "Open sockets of the public listener")                     \
  X(accepts_total, counter, "Sockets accepted")                                \
  X(accepts_refused_total, counter, "Sockets refused over the cap")            \
  X(accepts_starved_total, counter, "Sockets dropped for lack of descriptors") \
  X(handshakes_failed_total, counter, "Sockets that never sent a request")     \
  X(proxy_headers_failed_total, counter,                                       \
    "Connections of proxies without a valid PROXY header")                     \
  X(handshakes_evicted_total, counter, "Silent sockets cut to make room")      \
  X(tls_handshakes_total, counter, "TLS handshakes completed")                 \
  X(tls_resumed_total, counter, "Of these, by a ticket of an earlier one")     \
  X(tls_failures_total, counter, "TLS handshakes that failed")                 \
  X(http_requests_total, counter, "HTTP requests answered")                    \
  X(http_errors_total, counter, "HTTP requests answered with an error")        \
  X(upgrades_refused_total, counter, "WebSocket handshakes refused")           \
  X(origins_refused_total, counter, "Of these, by the origin of the page")     \
  X(wrong_opcode_total, counter, "Text where binary is spoken, or reversed")   \
  X(bad_frames_total, counter,                                                 \
    "WebSockets closed for frames against RFC 6455")                           \
  X(writes_total, counter, "Writes to WebSockets")                             \
  X(partial_writes_total, counter, "Writes that the kernel took in part")      \
  X(closes_overdue_total, counter, "Connections cut as they did not close")    \
  X(mail_batches_total, counter, "Batches of mail pushed to other workers")    \
  X(wakeups_total, counter, "Wake-ups of other workers")                       \
  X(flushes_total, counter, "Flushes at the end of a turn")

typedef struct gw_net_stats {
#define GW__NET_STATS_FIELD(name, type, help) _Atomic uint64_t name;
  GW_NET_STATS(GW__NET_STATS_FIELD)
#undef GW__NET_STATS_FIELD
} gw_net_stats;

#endif
