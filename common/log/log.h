#ifndef SR2L_COMMON_LOG_LOG_H_
#define SR2L_COMMON_LOG_LOG_H_

#include <string>

#include "spdlog/spdlog.h"

// Logging, with {fmt} placeholders: SR2L_INFO("stored {} steps of {}", count, name).
// Thread-safe. Names of our own, because LibTorch owns LOG and CHECK.
#define SR2L_DEBUG(...) SPDLOG_DEBUG(__VA_ARGS__)
#define SR2L_INFO(...) ::spdlog::info(__VA_ARGS__)
#define SR2L_WARNING(...) ::spdlog::warn(__VA_ARGS__)
#define SR2L_ERROR(...) ::spdlog::error(__VA_ARGS__)

namespace sr2l {

enum class LogFormat { kText, kJson };

// Sets up the process' log on standard error: UTC time, level, `process_name`, text.
// gRPC's own messages of level error go there too. Call once, first in main.
void InitializeLog(const std::string& process_name, LogFormat format = LogFormat::kText);

}  // namespace sr2l

#endif  // SR2L_COMMON_LOG_LOG_H_
