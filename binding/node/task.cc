#include "task.h"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "throw_status.h"

namespace opscope {

namespace {

class Mailbox;

struct Task {
  napi_deferred deferred = nullptr;  // null: nobody can be told, the work is done all the same
  std::function<Status()> work;
  std::function<Napi::Value(Napi::Env)> finish;
  Status status;
  std::shared_ptr<Mailbox> mailbox;
};

// Where an environment gets its finished tasks. Node frees a thread-safe function
// when its environment goes down, whoever still holds it (Node 20: a release
// after that aborts the process). So there is one for each environment, only its
// own thread opens and shuts it, and the worker sends under the same lock.
class Mailbox {
 public:
  // Of this environment, made at first use; null when there is no memory for it.
  // The environment's thread, as all but Send().
  static std::shared_ptr<Mailbox> Of(Napi::Env env) {
    if (auto* known = env.GetInstanceData<std::shared_ptr<Mailbox>>()) return *known;
    auto mailbox = std::make_shared<Mailbox>();
    if (napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, "opscope"), 0, 1,
                                        nullptr, nullptr, mailbox.get(), &Settle,
                                        &mailbox->function_) != napi_ok)
      return nullptr;
    napi_unref_threadsafe_function(env, mailbox->function_);
    // Hooks run in reverse: this one before that of the function.
    env.AddCleanupHook(
        [](std::shared_ptr<Mailbox>* shut) {
          (*shut)->Shut();
          delete shut;
        },
        new std::shared_ptr<Mailbox>(mailbox));
    env.SetInstanceData(new std::shared_ptr<Mailbox>(mailbox));
    return mailbox;
  }

  // While something is expected the event loop stays alive, as for any open promise.
  void Expect(Napi::Env env) {
    if (expected_++ == 0) napi_ref_threadsafe_function(env, function_);
  }

  // Worker thread. An environment that is gone took its promises with it.
  void Send(std::unique_ptr<Task> task) {
    std::lock_guard lock(mutex_);
    if (is_shut_) return;
    if (napi_call_threadsafe_function(function_, task.get(), napi_tsfn_nonblocking) == napi_ok)
      static_cast<void>(task.release());
  }

 private:
  void Shut() {
    std::lock_guard lock(mutex_);
    is_shut_ = true;
  }

  static void Settle(napi_env raw_env, napi_value, void* context, void* data) {
    std::unique_ptr<Task> task(static_cast<Task*>(data));
    if (raw_env == nullptr) return;  // the environment is going down
    Napi::Env env(raw_env);
    Napi::HandleScope scope(env);
    auto* mailbox = static_cast<Mailbox*>(context);
    if (--mailbox->expected_ == 0) napi_unref_threadsafe_function(env, mailbox->function_);
    if (task->deferred == nullptr) return;
    if (!task->status.ok()) {
      napi_reject_deferred(env, task->deferred, ErrorOf(env, task->status).Value());
      return;
    }
    Napi::Value value = task->finish(env);
    if (env.IsExceptionPending()) {
      napi_reject_deferred(env, task->deferred, env.GetAndClearPendingException().Value());
    } else {
      napi_resolve_deferred(env, task->deferred, value);
    }
  }

  napi_threadsafe_function function_ = nullptr;
  size_t expected_ = 0;  // the environment's thread
  std::mutex mutex_;
  bool is_shut_ = false;
};

// Thread-safe. Leaked on purpose: its thread may outlive every environment.
class Worker {
 public:
  static Worker& Get() {
    static Worker* const worker = new Worker;
    return *worker;
  }
  void Add(std::unique_ptr<Task> task) {
    {
      std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    wakeup_.notify_one();
  }

 private:
  Worker() {
    std::thread([this] { Run(); }).detach();
  }
  void Run() {
    pthread_setname_np(pthread_self(), "opscope-merge");
    for (;;) {
      std::unique_ptr<Task> task;
      {
        std::unique_lock lock(mutex_);
        wakeup_.wait(lock, [this] { return !tasks_.empty(); });
        task = std::move(tasks_.front());
        tasks_.pop_front();
      }
      task->status = CatchOutOfMemory(task->work);
      const std::shared_ptr<Mailbox> mailbox = task->mailbox;
      mailbox->Send(std::move(task));
    }
  }

  std::mutex mutex_;
  std::condition_variable wakeup_;
  std::deque<std::unique_ptr<Task>> tasks_;
};

}  // namespace

Napi::Value RunOffThread(Napi::Env env, std::function<Status()> work,
                         std::function<Napi::Value(Napi::Env)> finish) {
  auto task = std::make_unique<Task>();
  task->work = std::move(work);
  task->finish = std::move(finish);
  task->mailbox = Mailbox::Of(env);
  // Not Napi::Promise::Deferred: in an environment that is being taken down no promise
  // can be made, and that class hands out whatever lay in its memory then.
  napi_value promise = nullptr;
  if (napi_create_promise(env, &task->deferred, &promise) != napi_ok) task->deferred = nullptr;
  const bool has_promise = task->deferred != nullptr;
  if (task->mailbox == nullptr) {
    static_cast<void>(CatchOutOfMemory(task->work));
    if (has_promise)
      napi_reject_deferred(
          env, task->deferred,
          ErrorOf(env, Status::Error(Code::kOutOfMemory, "no thread-safe function")).Value());
  } else {
    task->mailbox->Expect(env);
    Worker::Get().Add(std::move(task));
  }
  return has_promise ? Napi::Value(env, promise) : env.Undefined();
}

}  // namespace opscope
