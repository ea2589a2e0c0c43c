/* SPDX-License-Identifier: MIT */
/* abi.h - the edge of the module: what JavaScript does for it (imports), and
 * how a function is offered to JavaScript (exports).
 *
 * Only 32-bit integers and doubles cross, since a 64-bit integer would be a
 * BigInt on the other side: larger numbers travel as two words, low one first.
 * Texts and bytes travel as address and length.
 */
#ifndef GODWIT_WASM_ABI_H
#define GODWIT_WASM_ABI_H

#include <stdbool.h>
#include <stdint.h>

/** Letters, as names are loaded by every page; src/module.ts has those of what is
 * exported, src/imports.ts the others. */
#define EXPORT(letter) __attribute__((export_name(#letter)))
#define IMPORT(letter) __attribute__((import_module("a"), import_name(#letter)))

/* id: the number that JavaScript gave the client at creation. None of these may
 * call back into the module, and none throws. */

IMPORT(b)
void host_open(uint32_t id, uint32_t generation, const uint8_t *endpoint,
               uint32_t len);
IMPORT(c)
void host_send(uint32_t id, uint32_t generation, const uint8_t *message,
               uint32_t len);
IMPORT(d)
void host_close(uint32_t id, uint32_t generation, uint32_t code,
                const uint8_t *reason, uint32_t len);
/** Milliseconds; never goes back. */
IMPORT(a) double host_now(uint32_t id);
/** 32 random bits, good enough for secrets. */
IMPORT(i) uint32_t host_random(void);
IMPORT(e)
void host_log(uint32_t id, uint32_t level, const char *text, uint32_t len);
IMPORT(f)
uint32_t host_may_move(uint32_t id, uint32_t from, uint32_t to, uint32_t code);
IMPORT(g)
void host_store_put(uint32_t id, uint32_t key_low, uint32_t key_high,
                    const uint8_t *entry, uint32_t len);
IMPORT(h)
void host_store_remove(uint32_t id, uint32_t key_low, uint32_t key_high);

#endif
