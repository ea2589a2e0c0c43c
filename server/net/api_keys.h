/* SPDX-License-Identifier: MIT */
/* api_keys.h - keys that open the API. */
#ifndef GODWIT_SERVER_API_KEYS_H
#define GODWIT_SERVER_API_KEYS_H

#include "godwit/wire.h"

/** Bytes of a key at most. */
#define GW_API_KEY_MAX 512u

/** Whether a list has any. */
bool gw_api_keys_exist(const char *list);

/** Whether a key is in the list, whose items are separated by commas and blanks.
 * Takes as long for a wrong key as for a right one, whatever they have in
 * common. */
bool gw_api_keys_fit(const char *list, gw_view key);

/** Whether a text is an item of a list; not in constant time. */
bool gw_api_list_has(const char *list, gw_view item);

#endif
