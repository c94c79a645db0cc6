// Writes each policy of export_fixture.h in one format, with contract and vectors:
//   write_test_exports FORMAT FOLDER BINARIES

#include <filesystem>
#include <iostream>

#include "deploy/export/export_files.h"
#include "tests/deploy/export/export_fixture.h"

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  for (const sr2l::ExportCase& example : sr2l::kExportCases) {
    const std::string path = std::string(argv[2]) + "/" + example.name + sr2l::ExtensionOf(argv[1]);
    const absl::Status status =
        sr2l::WriteExport(sr2l::RandomExport(example), argv[1], path, argv[3]);
    if (status.ok()) continue;
    std::cerr << status << std::endl;
    return 1;
  }
  return 0;
}
