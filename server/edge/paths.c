/* SPDX-License-Identifier: MIT */
/* paths.c - whether a path is in a list. */
#include "server/edge/paths.h"

#include <string.h>

#include "server/config/config.h"

static bool is_it(const char *word, gw_view path) {
  size_t len = strlen(word);
  if (len != 0 && word[len - 1] == '*')
    return path.len >= len - 1 && memcmp(path.data, word, len - 1) == 0;
  return path.len == len && memcmp(path.data, word, len) == 0;
}

bool gw_paths_match(const char *words, gw_view path) {
  char word[GW_CONFIG_WORD_MAX];
  while (gw_config_next_word(&words, word)) {
    if (is_it(word, path)) return true;
  }
  return false;
}
