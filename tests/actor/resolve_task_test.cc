#include "common/task/resolve_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "actor/environment/environment.h"
#include "common/task/builtin_tasks.h"
#include "common/task/model_files.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// ---- Built-in tasks -----------------------------------------------------------------

TEST(BuiltinTaskTest, SixTasksAreBuiltIn) {
  EXPECT_THAT(BuiltinTaskNames(), ElementsAre("ant", "half_cheetah", "hopper", "inverted_pendulum",
                                              "swimmer", "walker2d"));
}

TEST(BuiltinTaskTest, EachCarriesItsNameAndTheModelOfTheSourceTree) {
  for (const std::string& name : BuiltinTaskNames()) {
    const auto task = BuiltinTask(name);
    ASSERT_TRUE(task.ok()) << task.status();
    EXPECT_EQ(task->name(), name);
    ASSERT_EQ(task->files_size(), 1);
    EXPECT_EQ(task->files(0).name(), task->model());
    std::ifstream source(fs::path(std::getenv("SR2L_SOURCE")) / "actor/models" / task->model());
    EXPECT_EQ(task->files(0).content(), std::string((std::istreambuf_iterator<char>(source)), {}));
  }
}

TEST(BuiltinTaskTest, UnknownNameListsTheTasks) {
  const absl::Status status = BuiltinTask("cheetah").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(),
            "there is no built-in task \"cheetah\"; there are ant, half_cheetah, hopper, "
            "inverted_pendulum, swimmer, walker2d");
}

TEST(ResolveBuiltinTest, SetFieldsReplaceTheBuiltInOnes) {
  v1::TaskConfig task;
  task.set_builtin("hopper");
  task.set_step_limit(100);
  task.add_reward()->mutable_alive_bonus();
  task.mutable_reset()->mutable_qvel()->set_scale(1);
  ASSERT_TRUE(ResolveBuiltin(task).ok());
  const v1::TaskConfig original = *BuiltinTask("hopper");
  EXPECT_FALSE(task.has_builtin());
  EXPECT_EQ(task.step_limit(), 100);
  EXPECT_EQ(task.reward_size(), 1);           // the list is replaced as a whole
  EXPECT_EQ(task.reset().qpos().scale(), 0);  // and so is a message
  EXPECT_EQ(task.health_size(), original.health_size());
  EXPECT_EQ(task.files(0).content(), original.files(0).content());
}

TEST(ResolveBuiltinTest, IsIdempotent) {
  v1::TaskConfig once;
  once.set_builtin("ant");
  ASSERT_TRUE(ResolveBuiltin(once).ok());
  v1::TaskConfig twice = once;
  ASSERT_TRUE(ResolveBuiltin(twice).ok());
  EXPECT_EQ(once.SerializeAsString(), twice.SerializeAsString());
}

TEST(ResolveBuiltinTest, UnknownTaskNamesTheField) {
  v1::TaskConfig task;
  task.set_builtin("Hopper");
  const absl::Status status = ResolveBuiltin(task);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("task.builtin: there is no built-in task \"Hopper\""));
}

// ---- A user's own model -------------------------------------------------------------

// A tetrahedron as a binary STL file.
std::string Tetrahedron() {
  const float p[4][3] = {{0, 0, 0}, {0.2f, 0, 0}, {0, 0.2f, 0}, {0, 0, 0.2f}};
  const int faces[4][3] = {{0, 2, 1}, {0, 1, 3}, {0, 3, 2}, {1, 2, 3}};
  std::string stl(80, ' ');
  const uint32_t count = 4;
  stl.append(reinterpret_cast<const char*>(&count), 4);
  for (const auto& face : faces) {
    const float normal[3] = {0, 0, 0};
    stl.append(reinterpret_cast<const char*>(normal), 12);
    for (const int corner : face) stl.append(reinterpret_cast<const char*>(p[corner]), 12);
    stl.append(2, '\0');
  }
  return stl;
}

const char kRobot[] = R"(<mujoco>
  <include file="parts/actuators.xml"/>
  <asset><mesh name="body" file="Body.STL"/></asset>
  <compiler meshdir="meshes" texturedir="textures"/>
  <worldbody><body><joint name="j" type="slide"/><geom type="mesh" mesh="body"/></body></worldbody>
</mujoco>)";
const char kActuators[] = R"(<mujoco><actuator>
  <motor joint="j" ctrllimited="true" ctrlrange="-1 1"/></actuator></mujoco>)";

class AttachModelFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) / ("attach_model_files." + std::to_string(getpid()));
    folder_ = root_ / "task";
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(root_); }

  void Write(const fs::path& path, const std::string& content) const {
    fs::create_directories((folder_ / path).parent_path());
    std::ofstream(folder_ / path, std::ios::binary) << content;
  }

  // Attaches the model, returning the message of the error, or "".
  std::string Attach(const std::string& model) {
    task_ = v1::TaskConfig();
    task_.set_model(model);
    return std::string(AttachModelFiles(folder_.string(), task_).message());
  }

  std::string AttachXml(const std::string& inside) {
    Write("robot.xml", "<mujoco>" + inside + "</mujoco>");
    return Attach("robot.xml");
  }

  std::vector<std::string> FileNames() const {
    std::vector<std::string> names;
    for (const v1::ModelFile& file : task_.files()) names.push_back(file.name());
    return names;
  }

  fs::path root_;
  fs::path folder_;
  v1::TaskConfig task_;
};

TEST_F(AttachModelFilesTest, RobotWithMeshAndIncludeRunsFromMemory) {
  Write("My-Robot.xml", kRobot);
  Write("parts/actuators.xml", kActuators);
  Write("meshes/Body.STL", Tetrahedron());
  ASSERT_EQ(Attach("./My-Robot.xml"), "");
  EXPECT_EQ(task_.name(), "my_robot");
  EXPECT_EQ(task_.model(), "My-Robot.xml");
  EXPECT_THAT(FileNames(), ElementsAre("My-Robot.xml", "parts/actuators.xml", "meshes/Body.STL"));
  fs::remove_all(folder_);  // the actor has no such files

  task_.set_observation_dim(1);
  task_.set_action_dim(1);
  task_.add_observation()->set_quantity(v1::QPOS);
  task_.add_reward()->mutable_alive_bonus();
  const auto environment = Environment::Create(task_);
  ASSERT_TRUE(environment.ok()) << environment.status();
  EXPECT_EQ((*environment)->model().nmesh, 1);
  ASSERT_TRUE((*environment)->Reset(1, 0, 0).ok());
  const float action = 1;
  EXPECT_TRUE((*environment)->Step(&action).ok());
}

TEST_F(AttachModelFilesTest, ModelInASubfolderRefersFromThere) {
  Write("robots/one/robot.xml",
        "<mujoco><compiler meshdir='../meshes'/><asset><mesh file='a.stl'/></asset></mujoco>");
  Write("robots/meshes/a.stl", "x");
  ASSERT_EQ(Attach("robots/one/robot.xml"), "");
  EXPECT_THAT(FileNames(), ElementsAre("robots/one/robot.xml", "robots/meshes/a.stl"));
}

TEST_F(AttachModelFilesTest, EveryKindOfReferenceIsFollowed) {
  for (const char* name : {"t/a.png", "t/b.png", "t/c.png", "m/d.stl", "m/e.png", "m/f.skn"}) {
    Write(name, name);
  }
  ASSERT_EQ(AttachXml("<compiler meshdir='m' texturedir='t'/><asset><texture file='a.png'/>"
                      "<texture fileright='b.png' fileleft='c.png'/><mesh file='d.stl'/>"
                      "<hfield file='e.png'/><skin file='f.skn'/></asset>"),
            "");
  EXPECT_THAT(FileNames(), ElementsAre("robot.xml", "t/a.png", "t/b.png", "t/c.png", "m/d.stl",
                                       "m/e.png", "m/f.skn"));
}

TEST_F(AttachModelFilesTest, AssetFolderServesBothAndPathsCanBeStripped) {
  Write("a/m.stl", "m");
  Write("a/t.png", "t");
  ASSERT_EQ(AttachXml("<compiler assetdir='a' strippath='true'/><asset>"
                      "<mesh file='C/m.stl'/><texture file='D/t.png'/></asset>"),
            "");
  EXPECT_THAT(FileNames(), ElementsAre("robot.xml", "a/m.stl", "a/t.png"));
}

TEST_F(AttachModelFilesTest, FileIsAttachedOnce) {
  Write("a.stl", "a");
  ASSERT_EQ(AttachXml("<asset><mesh name='x' file='a.stl'/><mesh name='y' file='./a.stl'/>"
                      "</asset>"),
            "");
  EXPECT_THAT(FileNames(), ElementsAre("robot.xml", "a.stl"));
}

TEST_F(AttachModelFilesTest, IncludeCycleEnds) {
  Write("robot.xml", "<mujoco><include file='other.xml'/></mujoco>");
  Write("other.xml", "<mujoco><include file='robot.xml'/></mujoco>");
  EXPECT_EQ(Attach("robot.xml"), "");
}

TEST_F(AttachModelFilesTest, NamesThatLeaveTheFolderAreRefused) {
  Write("../secret.stl", "s");
  EXPECT_THAT(AttachXml("<asset>\n<mesh file='../secret.stl'/></asset>"),
              HasSubstr("robot.xml:2: <mesh> refers to \"../secret.stl\", which is not a file "
                        "inside the task's folder"));
  EXPECT_THAT(AttachXml("<compiler meshdir='a/../..'/><asset><mesh file='secret.stl'/></asset>"),
              HasSubstr("not a file inside the task's folder"));
  EXPECT_THAT(Attach("../robot.xml"), HasSubstr("task.model refers to \"../robot.xml\""));
  EXPECT_THAT(Attach(".."), HasSubstr("task.model refers to"));
  EXPECT_THAT(Attach(""), HasSubstr("task.model refers to"));
}

TEST_F(AttachModelFilesTest, AbsoluteNamesAreRefused) {
  const std::string secret = (root_ / "secret.stl").string();
  EXPECT_THAT(AttachXml("<asset><mesh file='" + secret + "'/></asset>"),
              HasSubstr("absolute paths are not allowed"));
  EXPECT_THAT(AttachXml("<compiler texturedir='/etc'/><asset><texture file='a'/></asset>"),
              HasSubstr("\"/etc/a\": absolute paths are not allowed"));
  EXPECT_THAT(Attach("/etc/passwd"), HasSubstr("absolute paths are not allowed"));
}

TEST_F(AttachModelFilesTest, LinksOutOfTheFolderAreRefused) {
  std::ofstream(root_ / "secret.stl") << "s";
  fs::create_symlink(root_ / "secret.stl", folder_ / "link.stl");
  EXPECT_THAT(AttachXml("<asset><mesh file='link.stl'/></asset>"),
              HasSubstr("is a link out of the task's folder"));
}

TEST_F(AttachModelFilesTest, MissingFileIsNamedWithItsPlace) {
  EXPECT_THAT(AttachXml("\n<asset>\n<mesh file='arm.stl'/></asset>"),
              HasSubstr("robot.xml:3: <mesh> refers to \"arm.stl\": there is no file " +
                        (folder_ / "arm.stl").string()));
  EXPECT_THAT(Attach("absent.xml"), HasSubstr("task.model refers to \"absent.xml\""));
}

TEST_F(AttachModelFilesTest, MoreThanThirtyTwoMebibytesAreRefused) {
  Write("a.stl", std::string(20 << 20, 'a'));
  Write("b.stl", std::string(20 << 20, 'b'));
  EXPECT_THAT(AttachXml("<asset><mesh file='a.stl'/><mesh file='b.stl'/></asset>"),
              HasSubstr("at most 32 MiB in all; \"b.stl\" makes it more"));
  Write("c.stl", std::string((32 << 20) + 1, 'c'));
  EXPECT_THAT(AttachXml("<asset><mesh file='c.stl'/></asset>"), HasSubstr("has more than 32 MiB"));
}

TEST_F(AttachModelFilesTest, FilesThatDifferByFolderOrCaseAloneAreRefused) {
  Write("a/arm.stl", "1");
  Write("b/ARM.stl", "2");
  EXPECT_THAT(AttachXml("<asset><mesh name='x' file='a/arm.stl'/>"
                        "<mesh name='y' file='b/ARM.stl'/></asset>"),
              HasSubstr("names must differ by more than folder and case"));
}

TEST_F(AttachModelFilesTest, UnknownElementsWithFilesAreRefused) {
  EXPECT_THAT(AttachXml("<asset><plugin file='x.so'/></asset>"),
              HasSubstr("<plugin> refers to \"x.so\"; files are allowed in include, mesh"));
}

TEST_F(AttachModelFilesTest, AttachedFilesAreLeftAlone) {
  task_.set_model("absent.xml");
  task_.add_files()->set_name("absent.xml");
  const std::string before = task_.SerializeAsString();
  EXPECT_TRUE(AttachModelFiles(folder_.string(), task_).ok());
  EXPECT_EQ(task_.SerializeAsString(), before);
}

TEST_F(AttachModelFilesTest, TaskWithoutModelIsLeftAlone) {
  task_.set_builtin("ant");
  EXPECT_TRUE(AttachModelFiles("/absent", task_).ok());
  EXPECT_EQ(task_.files_size(), 0);
}

}  // namespace
}  // namespace sr2l
