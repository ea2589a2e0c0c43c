/* SPDX-License-Identifier: MIT */
/* usage.c - CPU time and memory of processes, as Linux tells them. */
#include "server/load/usage.h"

#include <dirent.h>
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

/** By the scheduler, in nanoseconds; 0: it is gone. */
static uint64_t thread_ns(pid_t pid, const char *thread) {
  char path[320];
  uint64_t ns = 0;
  (void)snprintf(path, sizeof path, "/proc/%ld/task/%s/schedstat", (long)pid,
                 thread);
  FILE *file = fopen(path, "re");
  if (file == NULL) return 0;
  if (fscanf(file, "%" SCNu64, &ns) != 1) ns = 0;
  fclose(file);
  return ns;
}

static void read_threads(gw_load_threads *t, pid_t pid) {
  char path[64];
  (void)snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
  DIR *dir = opendir(path);
  if (dir == NULL) return;
  for (struct dirent *e; t->num < GW_LOAD_MAX_THREADS && (e = readdir(dir));) {
    if (e->d_name[0] == '.') continue;
    t->ids[t->num] = (pid_t)strtol(e->d_name, NULL, 10);
    t->ns[t->num++] = thread_ns(pid, e->d_name);
  }
  closedir(dir);
}

void gw_load_threads_read(gw_load_threads *t, const gw_load_processes *p) {
  t->num = 0;
  for (uint32_t i = 0; i < p->num; i++)
    read_threads(t, p->pids[i]);
}

static uint64_t ns_of(const gw_load_threads *t, pid_t id) {
  for (uint32_t i = 0; i < t->num; i++) {
    if (t->ids[i] == id) return t->ns[i];
  }
  return 0;
}

uint64_t gw_load_threads_busiest_ns(const gw_load_threads *before,
                                    const gw_load_threads *after) {
  uint64_t most = 0;
  for (uint32_t i = 0; i < after->num; i++) {
    uint64_t used = after->ns[i] - ns_of(before, after->ids[i]);
    if (after->ns[i] != 0 && used > most) most = used;
  }
  return most;
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

uint64_t gw_load_peak_bytes(const gw_load_processes *p) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < p->num; i++) {
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%ld/status", (long)p->pids[i]);
    sum += line_bytes(path, "VmHWM");
  }
  return sum;
}

void gw_load_reset_peak(const gw_load_processes *p) {
  for (uint32_t i = 0; i < p->num; i++) {
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%ld/clear_refs", (long)p->pids[i]);
    FILE *file = fopen(path, "we");
    if (file == NULL) continue;
    fputs("5", file); /* proc(5): resets VmHWM */
    fclose(file);
  }
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
