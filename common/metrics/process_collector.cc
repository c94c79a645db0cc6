#include "common/metrics/process_collector.h"

#include <dirent.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace sr2l {
namespace {

prometheus::MetricFamily Single(const char* name, const char* help, prometheus::MetricType type,
                                double value) {
  prometheus::ClientMetric metric;
  if (type == prometheus::MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  return {name, help, type, {metric}};
}

// Fields of /proc/self/stat that are used, numbered as in proc(5).
struct ProcessStat {
  double utime = 0;      // 14, clock ticks
  double stime = 0;      // 15, clock ticks
  double starttime = 0;  // 22, clock ticks after boot
  double vsize = 0;      // 23, bytes
  double rss = 0;        // 24, pages
};

ProcessStat ReadStat() {
  std::ifstream file("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  // The name in field 2 may hold spaces; fields from 3 on follow its last parenthesis.
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  ProcessStat stat;
  std::string field;
  for (int number = 3; fields >> field; ++number) {
    const auto value = [&field] { return std::strtod(field.c_str(), nullptr); };
    if (number == 14) stat.utime = value();
    if (number == 15) stat.stime = value();
    if (number == 22) stat.starttime = value();
    if (number == 23) stat.vsize = value();
    if (number == 24) stat.rss = value();
  }
  return stat;
}

double BootTime() {
  std::ifstream file("/proc/stat");
  std::string key;
  double value = 0;
  while (file >> key) {
    if (key == "btime" && file >> value) return value;
  }
  return 0;
}

double OpenFiles() {
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  int count = 0;
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count - 3;  // without ".", ".." and the folder itself
}

}  // namespace

std::vector<prometheus::MetricFamily> ProcessCollector::Collect() const {
  using prometheus::MetricType;
  const ProcessStat stat = ReadStat();
  const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  prometheus::MetricFamily build =
      Single("sr2l_build_info", "Version of the running program; always 1.", MetricType::Gauge, 1);
  build.metric[0].label = {{"process", process_name_}, {"version", SR2L_VERSION}};
  return {
      build,
      Single("process_cpu_seconds_total", "User and system CPU time.", MetricType::Counter,
             (stat.utime + stat.stime) / ticks),
      Single("process_resident_memory_bytes", "Resident memory.", MetricType::Gauge,
             stat.rss * static_cast<double>(sysconf(_SC_PAGESIZE))),
      Single("process_virtual_memory_bytes", "Virtual memory.", MetricType::Gauge, stat.vsize),
      Single("process_open_fds", "Open file descriptors.", MetricType::Gauge, OpenFiles()),
      Single("process_start_time_seconds", "Start, seconds since the epoch.", MetricType::Gauge,
             BootTime() + stat.starttime / ticks),
  };
}

}  // namespace sr2l
