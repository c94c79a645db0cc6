// sr2l: the command for people.

#include "deploy/cli/command_line.h"

int main(int argc, char** argv) { return sr2l::RunCommandLine(argc, argv); }
