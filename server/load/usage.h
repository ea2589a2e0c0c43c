/* SPDX-License-Identifier: MIT */
/* usage.h - what the processes of a server on this machine use. */
#ifndef GODWIT_LOAD_USAGE_H
#define GODWIT_LOAD_USAGE_H

#include <stdint.h>
#include <sys/types.h>

#include "godwit/err.h"

/** Processes of one server: a master, workers, helpers. */
#define GW_LOAD_MAX_PROCESSES 16u

/** All zero: none, and everything about them is 0. */
typedef struct gw_load_processes {
  pid_t pids[GW_LOAD_MAX_PROCESSES];
  uint32_t num;
} gw_load_processes;

/** Read "PID[,PID...]"; < 0 when it is something else or one is not there. */
GW_MUST_USE int gw_load_processes_read(gw_load_processes *p, const char *text);

/** CPU time of all their threads so far, those that ended included. */
uint64_t gw_load_cpu_ns(const gw_load_processes *p);

/** Threads of a server that are told apart. */
#define GW_LOAD_MAX_THREADS 64u

/** CPU time so far of each thread. */
typedef struct gw_load_threads {
  uint32_t num;
  pid_t ids[GW_LOAD_MAX_THREADS];
  uint64_t ns[GW_LOAD_MAX_THREADS];
} gw_load_threads;

void gw_load_threads_read(gw_load_threads *t, const gw_load_processes *p);
/** What the busiest thread has used between two readings: with a core for each
 * thread, the server could not have done it in less time. */
uint64_t gw_load_threads_busiest_ns(const gw_load_threads *before,
                                    const gw_load_threads *after);

/** Resident memory; what several share in shared memory counts once. */
uint64_t gw_load_memory_bytes(const gw_load_processes *p);

/** The most that was resident since gw_load_reset_peak, or since the start where
 * that is not allowed. */
uint64_t gw_load_peak_bytes(const gw_load_processes *p);
void gw_load_reset_peak(const gw_load_processes *p);

/** Memory of the kernel's own objects and of what is in TCP's queues, of the
 * whole machine: only differences mean something. */
uint64_t gw_load_kernel_bytes(void);

#endif
