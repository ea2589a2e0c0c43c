/* SPDX-License-Identifier: MIT */
/* census.c - counts, as a table. */
#include "tests/sim/census.h"

#include <stdio.h>
#include <string.h>

#include "tests/sim/faults.h"

static void add(uint64_t *to, const uint64_t *from, size_t num) {
  for (size_t i = 0; i < num; i++)
    to[i] += from[i];
}

void sim_census_add(sim_census *to, const sim_census *from) {
  add(to->to_server, from->to_server, UINT8_MAX + 1);
  add(to->to_client, from->to_client, UINT8_MAX + 1);
  add(&to->num_packed, &from->num_packed, 1);
  add(to->faults, from->faults, SIM_MAX_KINDS);
}

/** Who sends a frame; of each type one of the two does, or both. */
enum { CLIENT = 1, SERVER = 2 };

static unsigned senders(uint8_t type) {
  switch (type) {
  case GW_FRAME_PING:
  case GW_FRAME_PONG:
  case GW_FRAME_CLOSE:
  case GW_FRAME_RPC:
  case GW_FRAME_RPC_RESULT:
    return CLIENT | SERVER;
  case GW_FRAME_HELLO:
  case GW_FRAME_SUBSCRIBE:
  case GW_FRAME_UNSUBSCRIBE:
  case GW_FRAME_PUBLISH:
  case GW_FRAME_PRESENCE_SET:
  case GW_FRAME_PRESENCE_LEAVE:
  case GW_FRAME_PRESENCE_GET:
  case GW_FRAME_REFRESH:
  case GW_FRAME_SEND:
  case GW_FRAME_CREDIT:
    return CLIENT;
  default:
    return SERVER;
  }
}

static unsigned print_row(const char *name, unsigned who, uint64_t up,
                          uint64_t down) {
  bool is_missing =
      ((who & CLIENT) != 0 && up == 0) || ((who & SERVER) != 0 && down == 0);
  printf("%-18s%14llu%14llu%s\n", name, (unsigned long long)up,
         (unsigned long long)down, is_missing ? "  missing" : "");
  return is_missing;
}

unsigned sim_census_print(const sim_census *c) {
  unsigned missing = 0;
  printf("%-18s%14s%14s\n", "frame", "to server", "to client");
  for (unsigned type = 1; type <= UINT8_MAX; type++) {
    const char *name = gw_type_name((uint8_t)type);
    if (strcmp(name, "UNKNOWN") == 0) continue;
    missing += print_row(name, senders((uint8_t)type), c->to_server[type],
                         c->to_client[type]);
  }
  missing += print_row("compressed", SERVER, 0, c->num_packed);
  printf("%-18s%14s\n", "fault", "times");
  for (unsigned kind = 0; kind < SIM_NUM_FAULTS; kind++) {
    printf("%-18s%14llu%s\n", sim_fault_name((enum sim_fault_kind)kind),
           (unsigned long long)c->faults[kind],
           c->faults[kind] == 0 ? "  missing" : "");
    missing += c->faults[kind] == 0;
  }
  return missing;
}
