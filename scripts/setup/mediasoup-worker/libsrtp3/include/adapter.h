// The libsrtp 3 calls that mediasoup's worker makes, on libsrtp 2.
#pragma once

#include "srtp2/srtp.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// libsrtp 3 hides the policy behind a pointer; libsrtp 2 has an open struct of the same name.
typedef srtp_policy_t* adapter_policy;

srtp_err_status_t adapter_protect(srtp_t, const uint8_t* in, size_t inLen, uint8_t* out, size_t* outLen, size_t mki);
srtp_err_status_t adapter_protect_rtcp(srtp_t, const uint8_t* in, size_t inLen, uint8_t* out, size_t* outLen, size_t mki);
srtp_err_status_t adapter_unprotect(srtp_t, const uint8_t* in, size_t inLen, uint8_t* out, size_t* outLen);
srtp_err_status_t adapter_unprotect_rtcp(srtp_t, const uint8_t* in, size_t inLen, uint8_t* out, size_t* outLen);

srtp_err_status_t srtp_policy_create(adapter_policy*);
void srtp_policy_destroy(adapter_policy);
srtp_err_status_t srtp_policy_set_ssrc(adapter_policy, srtp_ssrc_t);
srtp_err_status_t srtp_policy_set_profile(adapter_policy, srtp_profile_t);
srtp_err_status_t srtp_policy_add_key(
  adapter_policy, const uint8_t* key, size_t keyLen, const uint8_t* salt, size_t saltLen, const uint8_t* mki, size_t mkiLen);
srtp_err_status_t srtp_policy_set_allow_repeat_tx(adapter_policy, bool);
srtp_err_status_t srtp_policy_set_window_size(adapter_policy, size_t);

#ifdef __cplusplus
}
#endif
