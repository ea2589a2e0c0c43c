/* SPDX-License-Identifier: MIT */
/* metrics.c - Prometheus text: sums over workers, and what /proc says. */
#include "server/observe/metrics.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static void head(FILE *f, const char *name, const char *type,
                 const char *help) {
  fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(FILE *f, const char *name, const char *type, const char *help,
                uint64_t value) {
  head(f, name, type, help);
  fprintf(f, "%s %" PRIu64 "\n", name, value);
}

static void one_decimal(FILE *f, const char *name, const char *type,
                        const char *help, double value) {
  head(f, name, type, help);
  fprintf(f, "%s %.3f\n", name, value);
}

/* ---- workers ------------------------------------------------------------ */

static void write_core(FILE *f, const gw_metrics *m) {
#define SUM(field, type, help)                        \
  {                                                   \
    uint64_t sum = 0;                                 \
    for (size_t i = 0; i < m->num_workers; i++)       \
      sum += gw_stat_get(&m->workers[i].core->field); \
    one(f, "godwit_" #field, #type, help, sum);       \
  }
  GW_STATS(SUM)
#undef SUM
}

static void write_net(FILE *f, const gw_metrics *m) {
#define SUM(field, type, help)                       \
  {                                                  \
    uint64_t sum = 0;                                \
    for (size_t i = 0; i < m->num_workers; i++)      \
      sum += gw_stat_get(&m->workers[i].net->field); \
    one(f, "godwit_" #field, #type, help, sum);      \
  }
  GW_NET_STATS(SUM)
#undef SUM
}

static void write_auth(FILE *f, const gw_metrics *m) {
#define SUM(field, type, help)                        \
  {                                                   \
    uint64_t sum = 0;                                 \
    for (size_t i = 0; i < m->num_workers; i++)       \
      sum += gw_stat_get(&m->workers[i].auth->field); \
    one(f, "godwit_" #field, #type, help, sum);       \
  }
  GW_AUTH_STATS(SUM)
#undef SUM
}

/* ---- the node ----------------------------------------------------------- */

static void write_keys(FILE *f, const gw_keystore_stats *k) {
  one(f, "godwit_auth_keys", "gauge", "Keys that tokens are checked with",
      k->num_keys);
  one(f, "godwit_auth_fetches_total", "counter",
      "Sets of keys that were fetched", k->num_fetched);
  one(f, "godwit_auth_fetches_failed_total", "counter",
      "Fetches of keys that failed", k->num_failed);
  one_decimal(f, "godwit_auth_fetched_age_seconds", "gauge",
              "Time since keys were fetched; 0: never",
              (double)k->since_good_ms / 1000);
}

static void write_addresses(FILE *f, const gw_addresses_stats *a) {
  one(f, "godwit_addresses", "gauge", "Addresses that are remembered", a->num);
  one(f, "godwit_addresses_limited_total", "counter",
      "Connections over the rate of their address", a->num_limited);
  one(f, "godwit_addresses_crowded_total", "counter",
      "Connections over the cap of their address", a->num_crowded);
  one(f, "godwit_addresses_cut_total", "counter",
      "Of these, closed without a word", a->num_cut);
  one(f, "godwit_addresses_forgotten_total", "counter",
      "Addresses forgotten for want of room", a->num_forgotten);
}

/* ---- the process -------------------------------------------------------- */

/* 0: it cannot be told now. */
static uint64_t resident_bytes(void) {
  unsigned long pages = 0;
  FILE *f = fopen("/proc/self/statm", "re");
  if (!f) return 0;
  if (fscanf(f, "%*u %lu", &pages) != 1) pages = 0;
  fclose(f);
  return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* To look takes one itself: without any, all are in use. */
static uint64_t num_open_fds(uint64_t max) {
  uint64_t num = 0;
  DIR *dir = opendir("/proc/self/fd");
  if (!dir) return errno == EMFILE ? max : 0;
  for (struct dirent *e; (e = readdir(dir));)
    if (e->d_name[0] != '.') num++;
  closedir(dir);
  return num - 1; /* the folder's own */
}

static double cpu_seconds(void) {
  struct rusage u;
  if (getrusage(RUSAGE_SELF, &u) < 0) return 0;
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void write_process(FILE *f, const gw_metrics *m) {
  struct rlimit limit = {0, 0};
  getrlimit(RLIMIT_NOFILE, &limit);
  uint64_t resident = resident_bytes();
  if (resident != 0)
    one(f, "process_resident_memory_bytes", "gauge", "Resident memory",
        resident);
  one(f, "process_open_fds", "gauge", "Open file descriptors",
      num_open_fds((uint64_t)limit.rlim_cur));
  one(f, "process_max_fds", "gauge", "Limit of file descriptors",
      (uint64_t)limit.rlim_cur);
  one_decimal(f, "process_cpu_seconds_total", "counter",
              "User and system CPU time", cpu_seconds());
  one_decimal(f, "process_start_time_seconds", "gauge",
              "Start of the process since 1970", (double)m->start_ms / 1000);
}

static void write_node(FILE *f, const gw_metrics *m) {
  head(f, "godwit_info", "gauge", "Version and name of the node");
  fprintf(f, "godwit_info{version=\"" GW_VERSION "\",node=\"");
  for (const char *p = m->node; *p; p++) {
    if (*p == '"' || *p == '\\') putc('\\', f);
    putc(*p == '\n' ? ' ' : *p, f);
  }
  fprintf(f, "\"} 1\n");
  one(f, "godwit_workers", "gauge", "Worker threads", m->num_workers);
  one_decimal(f, "godwit_uptime_seconds", "gauge", "Time since the start",
              (double)m->uptime_ms / 1000);
  one(f, "godwit_draining", "gauge", "1 while the server shuts down",
      m->is_draining);
  one(f, "godwit_log_suppressed_total", "counter",
      "Lines of the log that were suppressed", m->log_suppressed);
}

static void write_hooks(FILE *f, const gw_hook_stats *s) {
#define STAT(name, type, help) \
  one(f, "godwit_" #name, #type, help, gw_stat_get(&s->name));
  GW_HOOK_STATS(STAT)
#undef STAT
}

static void write_admin(FILE *f, const gw_admin *a) {
  one(f, "godwit_admin_sessions", "gauge",
      "Sessions of administrators who are logged in", a->sessions.num);
#define STAT(name, type, help) \
  one(f, "godwit_" #name, #type, help, gw_stat_get(&a->stats.name));
  GW_ADMIN_STATS(STAT)
#undef STAT
}

static void write_tls(FILE *f, const gw_metrics *m) {
  if (m->tls_expires_s == 0) return;
  one(f, "godwit_tls_certificate_expires_seconds", "gauge",
      "When the certificate expires, since 1970", m->tls_expires_s);
  one(f, "godwit_tls_reloads_total", "counter",
      "Times that certificate and key were read again", m->tls_reloads);
  one(f, "godwit_tls_reload_failures_total", "counter",
      "Times that this failed, and the old ones stayed",
      m->tls_reload_failures);
}

char *gw_metrics_text(const gw_metrics *m, size_t *len) {
  char *text = NULL;
  FILE *f = open_memstream(&text, len);
  if (!f) return NULL;
  write_node(f, m);
  write_core(f, m);
  write_net(f, m);
  write_auth(f, m);
  write_keys(f, m->keys);
  write_addresses(f, m->addresses);
  if (m->hooks) write_hooks(f, m->hooks);
  if (m->admin) write_admin(f, m->admin);
  if (m->counters) gw_counters_write(m->counters, f);
  write_tls(f, m);
  write_process(f, m);
  return fclose(f) == 0 ? text : NULL;
}
