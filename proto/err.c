/* SPDX-License-Identifier: MIT */
/* err.c - names and sentences of results, from the one list in err.h. */
#include "godwit/err.h"

const char *gw_err_name(int err) {
  switch (err) {
  case GW_OK:
    return "GW_OK";
#define X(name, number, sentence) \
  case name:                      \
    return #name;
    GW_ERR_LIST(X)
#undef X
  default:
    return "GW_ERR_UNKNOWN";
  }
}

const char *gw_err_text(int err) {
  switch (err) {
  case GW_OK:
    return "no error";
#define X(name, number, sentence) \
  case name:                      \
    return sentence;
    GW_ERR_LIST(X)
#undef X
  default:
    return "an error that is not known";
  }
}

int gw_err_is_fatal(int err) {
  return err <= -200 && err > -300;
}
