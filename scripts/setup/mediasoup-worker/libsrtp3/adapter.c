#include "include/adapter.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

typedef srtp_err_status_t (*InPlace)(srtp_t, void*, int*);

// libsrtp 2 works in place on an int length; libsrtp 3 takes an input and an output with its room.
static srtp_err_status_t Run(
  InPlace call, size_t growth, srtp_t session, const uint8_t* in, size_t inLen, uint8_t* out, size_t* outLen)
{
	const srtp_err_status_t bufferSmall = (srtp_err_status_t)28;

	if (inLen > INT_MAX - growth || inLen + growth > *outLen)
	{
		return bufferSmall;
	}

	if (out != in)
	{
		memmove(out, in, inLen);
	}

	int length = (int)inLen;
	const srtp_err_status_t status = call(session, out, &length);

	if (status == srtp_err_status_ok)
	{
		*outLen = (size_t)length;
	}

	return status;
}

srtp_err_status_t adapter_protect(srtp_t s, const uint8_t* in, size_t inLen, uint8_t* out, size_t* outLen, size_t mki)
{
	(void)mki;

	return Run(srtp_protect, SRTP_MAX_TRAILER_LEN, s, in, inLen, out, outLen);
}

srtp_err_status_t adapter_protect_rtcp(srtp_t s, const uint8_t* in, size_t inLen, uint8_t* out, size_t* outLen, size_t mki)
{
	(void)mki;

	// RTCP also gains its 4-byte index.
	return Run(srtp_protect_rtcp, SRTP_MAX_TRAILER_LEN + 4, s, in, inLen, out, outLen);
}

srtp_err_status_t adapter_unprotect(srtp_t s, const uint8_t* in, size_t inLen, uint8_t* out, size_t* outLen)
{
	return Run(srtp_unprotect, 0, s, in, inLen, out, outLen);
}

srtp_err_status_t adapter_unprotect_rtcp(srtp_t s, const uint8_t* in, size_t inLen, uint8_t* out, size_t* outLen)
{
	return Run(srtp_unprotect_rtcp, 0, s, in, inLen, out, outLen);
}

srtp_err_status_t srtp_policy_create(adapter_policy* policy)
{
	*policy = calloc(1, sizeof(srtp_policy_t));

	return *policy ? srtp_err_status_ok : srtp_err_status_alloc_fail;
}

void srtp_policy_destroy(adapter_policy policy)
{
	if (!policy)
	{
		return;
	}

	if (policy->key)
	{
		memset(policy->key, 0, SRTP_MAX_KEY_LEN);
		free(policy->key);
	}

	free(policy);
}

srtp_err_status_t srtp_policy_set_ssrc(adapter_policy policy, srtp_ssrc_t ssrc)
{
	policy->ssrc = ssrc;

	return srtp_err_status_ok;
}

srtp_err_status_t srtp_policy_set_profile(adapter_policy policy, srtp_profile_t profile)
{
	const srtp_err_status_t status = srtp_crypto_policy_set_from_profile_for_rtp(&policy->rtp, profile);

	return status ? status : srtp_crypto_policy_set_from_profile_for_rtcp(&policy->rtcp, profile);
}

srtp_err_status_t srtp_policy_add_key(
  adapter_policy policy, const uint8_t* key, size_t keyLen, const uint8_t* salt, size_t saltLen, const uint8_t* mki, size_t mkiLen)
{
	// One key, no master key identifier: all that WebRTC needs. libsrtp 2 wants key and salt in one piece.
	if (policy->key || mki || mkiLen || keyLen + saltLen > SRTP_MAX_KEY_LEN)
	{
		return srtp_err_status_bad_param;
	}

	policy->key = calloc(1, SRTP_MAX_KEY_LEN);

	if (!policy->key)
	{
		return srtp_err_status_alloc_fail;
	}

	memcpy(policy->key, key, keyLen);
	memcpy(policy->key + keyLen, salt, saltLen);

	return srtp_err_status_ok;
}

srtp_err_status_t srtp_policy_set_allow_repeat_tx(adapter_policy policy, bool allow)
{
	policy->allow_repeat_tx = allow;

	return srtp_err_status_ok;
}

srtp_err_status_t srtp_policy_set_window_size(adapter_policy policy, size_t size)
{
	policy->window_size = size;

	return srtp_err_status_ok;
}
