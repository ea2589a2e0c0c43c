/* SPDX-License-Identifier: MIT */
/* metrics.h - counters of all workers and of the process as Prometheus text. */
#ifndef GODWIT_SERVER_METRICS_H
#define GODWIT_SERVER_METRICS_H

#include "server/admin/admin.h"
#include "server/auth/keystore.h"
#include "server/auth/stats.h"
#include "server/core/hub.h"
#include "server/hooks/hooks.h"
#include "server/middleware/counters.h"
#include "server/net/addresses.h"
#include "server/net/net_stats.h"

typedef struct gw_metrics_worker {
  const gw_stats *core;
  const gw_net_stats *net;
  const gw_auth_stats *auth;
} gw_metrics_worker;

typedef struct gw_metrics {
  const gw_metrics_worker *workers;
  size_t num_workers;
  const gw_keystore_stats *keys;
  const gw_addresses_stats *addresses;
  const char *node;
  uint64_t start_ms; /**< since 1970 */
  uint64_t uptime_ms;
  uint64_t log_suppressed;
  const gw_hook_stats *hooks; /**< NULL: there are none */
  uint64_t tls_expires_s;     /**< of the certificate, since 1970; 0: no TLS */
  uint64_t tls_reloads;
  uint64_t tls_reload_failures;
  const gw_admin *admin;       /**< NULL: there are no administrators */
  const gw_counters *counters; /**< of the link metrics; NULL: it is not used */
  bool is_draining;
} gw_metrics;

/** The text in format 0.0.4; the caller frees it. NULL when out of memory.
 * Reads counters of other threads without stopping them. */
char *gw_metrics_text(const gw_metrics *m, size_t *len);

#endif
