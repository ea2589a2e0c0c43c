/* SPDX-License-Identifier: MIT */
/* disk.h - what a client's host keeps for it: the entries of its outbox, which
 * outlive the process. */
#ifndef GODWIT_SIM_DISK_H
#define GODWIT_SIM_DISK_H

#include "godwit/client.h"

typedef struct sim_disk sim_disk;

sim_disk *sim_disk_new(void);
void sim_disk_free(sim_disk *d);
/** As the client's port says it. */
void sim_disk_put(sim_disk *d, uint64_t key, gw_view entry);
void sim_disk_remove(sim_disk *d, uint64_t key);
bool sim_disk_has(const sim_disk *d, uint64_t key);
/** Give all back to a new client. False: it did not take one. */
bool sim_disk_restore(const sim_disk *d, gw_client *c);

#endif
