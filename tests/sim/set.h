/* SPDX-License-Identifier: MIT */
/* set.h - a set of applications, or of users, of whom there are no more. */
#ifndef GODWIT_SIM_SET_H
#define GODWIT_SIM_SET_H

#include <stdbool.h>
#include <stdint.h>

/** Of a run; how many it has is in its plan. */
#define SIM_MAX_APPS 300

/** All zero: empty. */
typedef struct sim_set {
  uint64_t words[(SIM_MAX_APPS + 63) / 64];
} sim_set;

static inline bool sim_set_has(const sim_set *s, uint32_t i) {
  return (s->words[i / 64] >> i % 64 & 1) != 0;
}

static inline void sim_set_add(sim_set *s, uint32_t i) {
  s->words[i / 64] |= UINT64_C(1) << i % 64;
}

#endif
