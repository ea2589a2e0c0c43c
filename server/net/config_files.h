/* SPDX-License-Identifier: MIT */
/* config_files.h - whether a server could start with what its configuration
 * names: certificate, keys, passwords, folders, plugins, logs, links. */
#ifndef GODWIT_SERVER_CONFIG_FILES_H
#define GODWIT_SERVER_CONFIG_FILES_H

#include "server/config/config.h"

/**
 * Look at all of it, as the start of a server does, and change nothing: no file is
 * made or written, no socket opened, nothing fetched. Plugins are opened, but not
 * begun. Schemas are read with the configuration itself.
 *   c        loaded without a mistake
 *   errors   gets a line for each mistake, unless another hides it: where the
 *            configuration names the file, the key, what is wrong, what to do
 *   returns  0, GW_ERR_INVALID (errors says why), GW_ERR_NOMEM
 */
GW_MUST_USE int gw_config_files_check(const gw_config *c, FILE *errors);

#endif
