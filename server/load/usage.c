/* SPDX-License-Identifier: MIT */
/* usage.c - CPU time and memory of processes, as Linux tells them. */
#include "server/load/usage.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int gw_load_processes_read(gw_load_processes *p, const char *text) {
  gw_load_processes read = {.num = 0};
  for (const char *at = text; *at != '\0';) {
    char *end;
    long pid = strtol(at, &end, 10);
    clockid_t clock;
    if (end == at || pid <= 0 || (*end != ',' && *end != '\0') ||
        read.num == GW_LOAD_MAX_PROCESSES ||
        clock_getcpuclockid((pid_t)pid, &clock) != 0)
      return GW_ERR_INVALID;
    read.pids[read.num++] = (pid_t)pid;
    at = *end == ',' ? end + 1 : end;
  }
  if (read.num == 0) return GW_ERR_INVALID;
  *p = read;
  return 0;
}

uint64_t gw_load_cpu_ns(const gw_load_processes *p) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < p->num; i++) {
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(p->pids[i], &clock) == 0 &&
        clock_gettime(clock, &used) == 0)
      sum += (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
  }
  return sum;
}

/** Bytes of a line "NAME: N kB" in a file of /proc; 0: it is not there. */
static uint64_t line_bytes(const char *path, const char *name) {
  char line[256];
  uint64_t kib = 0;
  size_t len = strlen(name);
  FILE *file = fopen(path, "r");
  if (file == NULL) return 0;
  while (fgets(line, sizeof line, file) != NULL) {
    if (strncmp(line, name, len) != 0 || line[len] != ':') continue;
    kib = strtoull(line + len + 1, NULL, 10);
    break;
  }
  fclose(file);
  return kib * 1024u;
}

uint64_t gw_load_memory_bytes(const gw_load_processes *p) {
  uint64_t own = 0;
  uint64_t shared = 0;
  for (uint32_t i = 0; i < p->num; i++) {
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%ld/status", (long)p->pids[i]);
    own += line_bytes(path, "RssAnon") + line_bytes(path, "RssFile");
    uint64_t shmem = line_bytes(path, "RssShmem");
    if (shmem > shared) shared = shmem;
  }
  return own + shared;
}

static uint64_t tcp_queue_bytes(void) {
  char line[256];
  uint64_t pages = 0;
  FILE *file = fopen("/proc/net/sockstat", "r");
  if (file == NULL) return 0;
  while (fgets(line, sizeof line, file) != NULL) {
    const char *mem = strstr(line, " mem ");
    if (strncmp(line, "TCP:", 4) == 0 && mem != NULL)
      pages = strtoull(mem + strlen(" mem "), NULL, 10);
  }
  fclose(file);
  return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t gw_load_kernel_bytes(void) {
  return line_bytes("/proc/meminfo", "Slab") + tcp_queue_bytes();
}
